//! The authorities that the system trusts.

use std::{
    env,
    ffi::{OsStr, OsString},
    path::Path,
};

use rustls_native_certs::{CertificateResult, load_certs_from_paths, load_native_certs};

use super::BUNDLE_LIMIT;

/// Variables that name a file and folders of authorities, which are trusted instead of the system's.
const FILE: &str = "SSL_CERT_FILE";
const FOLDERS: &str = "SSL_CERT_DIR";

/// What was found of authorities.
#[derive(Debug, Default)]
pub(super) struct System {
    /// Those that can be read.
    pub(super) found: CertificateResult,
    /// The variables that name where they are.
    pub(super) named_by: Vec<&'static str>,
    /// What is wrong with the places that these variables name.
    pub(super) unusable: Vec<String>,
}

impl System {
    /// What the environment names, or else what the system has.
    pub(super) fn load() -> Self {
        match (env::var_os(FILE), env::var_os(FOLDERS)) {
            (None, None) => Self { found: load_native_certs(), ..Self::default() },
            (file, folders) => Self::named(file, folders),
        }
    }

    /// What the variables name.
    pub(super) fn named(file: Option<OsString>, folders: Option<OsString>) -> Self {
        let mut named = Self::default();
        if let Some(file) = file {
            named.named_by.push(FILE);
            named.add_file(Path::new(&file));
        }
        if let Some(folders) = folders {
            named.named_by.push(FOLDERS);
            named.add_folders(&folders);
        }
        named
    }

    fn add_file(&mut self, path: &Path) {
        // The library would read a device for ever.
        match regular_file::open(path, BUNDLE_LIMIT) {
            Ok(_) => self.add(FILE, path, load_certs_from_paths(Some(path), None)),
            Err(error) => self.cannot_use(FILE, path, &error.to_string()),
        }
    }

    fn add_folders(&mut self, folders: &OsStr) {
        for folder in env::split_paths(folders).filter(|folder| !folder.as_os_str().is_empty()) {
            self.add(FOLDERS, &folder, load_certs_from_paths(None, Some(&folder)));
        }
    }

    fn add(&mut self, variable: &str, path: &Path, mut found: CertificateResult) {
        if found.certs.is_empty() && found.errors.is_empty() {
            self.cannot_use(variable, path, "it has no PEM certificate");
        }
        self.found.certs.append(&mut found.certs);
        self.found.errors.append(&mut found.errors);
    }

    fn cannot_use(&mut self, variable: &str, path: &Path, why: &str) {
        self.unusable
            .push(format!("cannot use the CA certificates in `{}`, which {variable} names: {why}", path.display()));
    }
}

#[cfg(test)]
mod tests {
    use std::{fs, process::Command};

    use super::*;

    #[test]
    fn variables_that_name_nonsense_are_named() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = |name: &str| folder.path().join(name).into_os_string();
        fs::write(path("text"), "no certificate\n").expect("a file");
        fs::create_dir(path("empty")).expect("a folder");
        assert!(Command::new("mkfifo").arg(path("fifo")).status().expect("mkfifo").success());
        let cases = [
            (Some(path("none")), None, "No such file or directory (os error 2)"),
            (Some(path("text")), None, "it has no PEM certificate"),
            (Some(path("empty")), None, "it is a directory, and not a regular file"),
            (Some(path("fifo")), None, "it is a FIFO, and not a regular file"),
            (Some("/dev/zero".into()), None, "it is a device, and not a regular file"),
            (None, Some(path("empty")), "it has no PEM certificate"),
        ];
        for (file, folders, why) in cases {
            let variable = if file.is_some() { FILE } else { FOLDERS };
            let shown = file.clone().or(folders.clone()).expect("one of both").display().to_string();
            let named = System::named(file, folders);
            let said = format!("cannot use the CA certificates in `{shown}`, which {variable} names: {why}");
            assert_eq!((named.unusable, named.named_by), (vec![said], vec![variable]));
            assert!(named.found.certs.is_empty());
        }
        // The library says why.
        let named = System::named(None, Some(path("none")));
        assert_eq!((named.found.errors.len(), named.unusable.len()), (1, 0));
    }
}
