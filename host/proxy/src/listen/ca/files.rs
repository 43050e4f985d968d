//! The authority's files: read with care, and written so that they are whole or absent.

use std::fs::{self, File, Metadata};
use std::io::{self, Read, Write};
use std::path::Path;

use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;

use super::CaError;

/// Where one authority lives within its directory.
pub(super) struct Names {
    /// Private key and certificate.
    pub key: &'static str,
    /// The certificate alone, to hand to clients.
    pub certificate: &'static str,
}

/// The files of an authority made here.
pub(super) const OWN: Names = Names { key: "proxyhost-ca.pem", certificate: "proxyhost-ca-cert.pem" };

/// The files of an authority made by mitmproxy, which many clients trust already.
pub(super) const MITMPROXY: Names = Names { key: "mitmproxy-ca.pem", certificate: "mitmproxy-ca-cert.pem" };

/// Reads a key file, or says `None` if there is none.
pub(super) fn read_key(path: &Path) -> Result<Option<Vec<u8>>, CaError> {
    let failed = |source| CaError::Read { path: path.to_owned(), source };
    let file = match regular_file::open(path, KEY_FILE_LIMIT) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) if error.kind() == io::ErrorKind::InvalidInput => {
            return Err(CaError::Irregular { path: path.to_owned(), limit: KEY_FILE_LIMIT });
        }
        Err(error) => return Err(failed(error)),
    };
    refuse_exposed(path, &file.metadata().map_err(failed)?)?;
    let mut content = Vec::new();
    file.take(KEY_FILE_LIMIT).read_to_end(&mut content).map_err(failed)?;
    Ok(Some(content))
}

/// A key and its chain take a few kilobytes.
const KEY_FILE_LIMIT: u64 = 1024 * 1024;

#[cfg(unix)]
fn refuse_exposed(path: &Path, metadata: &Metadata) -> Result<(), CaError> {
    use std::os::unix::fs::PermissionsExt;

    let mode = metadata.permissions().mode() & 0o7777;
    if mode & 0o077 != 0 {
        return Err(CaError::Exposed { path: path.to_owned(), mode });
    }
    Ok(())
}

#[cfg(not(unix))]
fn refuse_exposed(_: &Path, _: &Metadata) -> Result<(), CaError> {
    Ok(())
}

/// Stores a new key file, unless another process was faster: then that one's file stays.
pub(super) fn write_key(dir: &Path, content: &str) -> Result<(), CaError> {
    create_directory(dir).map_err(|source| CaError::Directory { dir: dir.to_owned(), source })?;
    let path = dir.join(OWN.key);
    match write_new(dir, &path, content) {
        Ok(()) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        Err(source) => Err(CaError::Write { path, source }),
    }
}

fn create_directory(dir: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(dir)
}

fn write_new(dir: &Path, path: &Path, content: &str) -> io::Result<()> {
    // Only the owner can open a temporary file, from its creation on.
    let mut file = tempfile::Builder::new().prefix(".proxyhost-ca-").tempfile_in(dir)?;
    file.write_all(content.as_bytes())?;
    file.as_file().sync_all()?;
    file.persist_noclobber(path).map_err(|error| error.error)?;
    sync_directory(dir)
}

/// Whether files could be made in the directory, which may have to be made itself. Nothing is written.
pub(super) fn check_directory(dir: &Path) -> Result<(), CaError> {
    regular_file::check_folder(dir).map_err(|source| CaError::Directory { dir: dir.to_owned(), source })
}

/// Makes the file beside the key that clients are given hold `certificate`.
///
/// A proxy can serve without it, as where the directory is mounted read-only: failure is logged.
pub(super) fn offer_certificate(dir: &Path, name: &str, certificate: &CertificateDer<'_>, pem: &str) {
    let path = dir.join(name);
    let current = regular_file::read(&path, KEY_FILE_LIMIT).ok();
    if current.and_then(|pem| CertificateDer::from_pem_slice(&pem).ok()).is_some_and(|current| current == *certificate)
    {
        return;
    }
    if let Err(error) = replace(dir, &path, pem) {
        let path = path.display();
        tracing::warn!(%path, %error, "cannot write the CA certificate for clients");
    }
}

fn replace(dir: &Path, path: &Path, content: &str) -> io::Result<()> {
    let mut file = tempfile::Builder::new().prefix(".proxyhost-ca-").tempfile_in(dir)?;
    file.write_all(content.as_bytes())?;
    // Set on the file itself: at its creation the umask could take bits away.
    #[cfg(unix)]
    file.as_file().set_permissions(std::os::unix::fs::PermissionsExt::from_mode(0o644))?;
    file.as_file().sync_all()?;
    file.persist(path).map_err(|error| error.error)?;
    sync_directory(dir)
}

/// Makes a rename outlive a power cut.
#[cfg(unix)]
fn sync_directory(dir: &Path) -> io::Result<()> {
    File::open(dir)?.sync_all()
}

#[cfg(not(unix))]
fn sync_directory(_: &Path) -> io::Result<()> {
    Ok(())
}
