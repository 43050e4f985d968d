//! What is not ours is never executed.

use std::{
    fs::{self, Permissions},
    os::unix::fs::{MetadataExt, PermissionsExt, chown, symlink},
    path::PathBuf,
    thread,
};

use tempfile::TempDir;
use wasmtime::{Config, OptLevel};

use super::*;

/// A cache in a folder of its own.
struct Kept {
    folder: TempDir,
    engine: Engine,
}

impl Kept {
    fn new() -> Self {
        Self { folder: TempDir::new().expect("a temporary folder"), engine: Engine::default() }
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("cache")
    }

    fn cache(&self) -> Cache {
        Cache::open(&self.path()).expect("a folder of ours")
    }

    /// Compiles a component, and says in which file it is.
    fn compile(&self, text: &str) -> PathBuf {
        self.cache().compile(&self.engine, &component(text)).expect("it compiles");
        self.path().join(Name::of(&self.engine, &component(text)).file())
    }

    fn finds(&self, text: &str) -> bool {
        self.cache().find(&self.engine, &Name::of(&self.engine, &component(text))).is_some()
    }

    fn artefacts(&self) -> usize {
        let entries = fs::read_dir(self.path()).expect("the folder");
        entries.filter(|entry| entry.as_ref().is_ok_and(|entry| entry.file_name() != seal::KEY)).count()
    }

    fn refusal(&self) -> String {
        let error = Cache::open(&self.path()).expect_err("it must not be used");
        error.to_string().replace(&self.path().display().to_string(), "it")
    }
}

/// An empty component with a section of its own, so that two differ.
fn component(text: &str) -> Vec<u8> {
    let length = |text: &str| u8::try_from(text.len()).expect("a short text");
    let mut bytes = b"\0asm\x0d\0\x01\0\0".to_vec();
    bytes.extend([2 + length(text), 1, b'x']);
    bytes.extend(text.bytes());
    bytes
}

#[test]
fn what_was_compiled_is_found_by_the_next_process() {
    let kept = Kept::new();
    assert!(!kept.finds("a"));
    kept.compile("a");
    assert!(kept.finds("a") && !kept.finds("b"));
}

#[test]
fn a_changed_byte_anywhere_is_noticed_and_mended() {
    let kept = Kept::new();
    let file = kept.compile("a");
    let whole = fs::read(&file).expect("the artefact");
    let last = whole.len() - 1;
    for position in (0..64).chain((64..last).step_by(997)).chain([last]) {
        let mut changed = whole.clone();
        changed[position] ^= 1;
        fs::write(&file, &changed).expect("a file of ours");
        assert!(!kept.finds("a"), "byte {position}");
    }
    kept.compile("a");
    assert!(kept.finds("a"));
    assert!(fs::read(&file).expect("the artefact") == whole);
}

#[test]
fn what_was_cut_or_has_more_is_not_used() {
    let kept = Kept::new();
    let file = kept.compile("a");
    let whole = fs::read(&file).expect("the artefact");
    for length in [0, 1, 31, 32, 33, whole.len() / 2, whole.len() - 1] {
        fs::write(&file, &whole[..length]).expect("a file of ours");
        assert!(!kept.finds("a"), "{length} bytes");
    }
    fs::write(&file, [&whole[..], b"x"].concat()).expect("a file of ours");
    assert!(!kept.finds("a"));
}

#[test]
fn two_artefacts_that_were_swapped_are_not_used() {
    let kept = Kept::new();
    let (a, b) = (kept.compile("a"), kept.compile("b"));
    let other = kept.path().join("other");
    fs::rename(&a, &other).expect("files of ours");
    fs::rename(&b, &a).expect("files of ours");
    fs::rename(&other, &b).expect("files of ours");
    assert!(!kept.finds("a") && !kept.finds("b"));
}

#[test]
fn artefacts_of_another_folder_are_not_used() {
    let (ours, theirs) = (Kept::new(), Kept::new());
    let (file, theirs) = (ours.compile("a"), theirs.compile("a"));
    fs::copy(theirs, file).expect("a file of ours");
    assert!(!ours.finds("a"));
}

#[test]
fn an_engine_with_other_settings_compiles_for_itself() {
    let mut kept = Kept::new();
    kept.compile("a");
    kept.engine = Engine::new(Config::new().cranelift_opt_level(OptLevel::None)).expect("an engine");
    assert!(!kept.finds("a"));
    kept.compile("a");
    assert_eq!(kept.artefacts(), 2);
}

#[test]
fn what_is_no_file_of_ours_is_not_read() {
    let kept = Kept::new();
    let file = kept.compile("a");
    let moved = kept.path().join("moved");
    fs::rename(&file, &moved).expect("files of ours");
    symlink(&moved, &file).expect("a link");
    assert!(!kept.finds("a"), "a link");
    fs::remove_file(&file).expect("a link");
    fs::copy(&moved, &file).expect("files of ours");
    assert!(kept.finds("a"));
    fs::set_permissions(&file, Permissions::from_mode(0o620)).expect("a file of ours");
    assert!(!kept.finds("a"), "a file that others can write to");
}

#[test]
fn files_and_folder_are_for_their_owner_alone() {
    let kept = Kept::new();
    let file = kept.compile("a");
    for (path, mode) in [(kept.path(), 0o700), (file, 0o600), (kept.path().join(seal::KEY), 0o600)] {
        let found = fs::metadata(&path).expect("it is there").mode() & 0o777;
        assert_eq!(found, mode, "{}", path.display());
    }
}

#[test]
fn a_folder_that_others_can_write_to_is_refused() {
    let kept = Kept::new();
    kept.compile("a");
    fs::set_permissions(kept.path(), Permissions::from_mode(0o777)).expect("a folder of ours");
    assert_eq!(
        kept.refusal(),
        "cannot use the cache `it`: it is open to others, with mode 777 instead of 700, so that code in it may be \
         somebody else's; remove it, and it is made anew"
    );
}

#[test]
fn a_link_to_a_folder_is_refused() {
    let kept = Kept::new();
    let target = kept.folder.path().join("target");
    fs::create_dir(&target).expect("a folder");
    fs::set_permissions(&target, Permissions::from_mode(0o700)).expect("a folder of ours");
    symlink(&target, kept.path()).expect("a link");
    assert_eq!(
        kept.refusal(),
        "cannot use the cache `it`: it is a link, so that code in it may be somebody else's; remove it, and it is made anew"
    );
}

#[test]
fn a_folder_of_somebody_else_is_refused() {
    let kept = Kept::new();
    kept.compile("a");
    // Only root can give a folder away.
    if chown(kept.path(), Some(4242), None).is_ok() {
        let ours = rustix::process::geteuid().as_raw();
        let expected = format!(
            "cannot use the cache `it`: it belongs to user 4242, and this process to {ours}, so that code in it may be \
             somebody else's; remove it, and it is made anew"
        );
        assert_eq!(kept.refusal(), expected);
    }
}

#[test]
fn a_file_in_the_folders_place_is_refused() {
    let kept = Kept::new();
    fs::write(kept.path(), b"x").expect("a file");
    assert_eq!(kept.refusal(), "cannot use the cache `it`");
}

#[test]
fn a_key_of_no_use_is_replaced() {
    let kept = Kept::new();
    let key = kept.path().join(seal::KEY);
    let spoil: [&dyn Fn(); 3] = [
        &|| fs::write(&key, b"short").expect("a file of ours"),
        &|| fs::set_permissions(&key, Permissions::from_mode(0o644)).expect("a file of ours"),
        &|| {
            fs::remove_file(&key).expect("a file of ours");
            symlink("/dev/zero", &key).expect("a link");
        },
    ];
    for spoil in spoil {
        kept.compile("a");
        spoil();
        assert!(!kept.finds("a"));
        kept.compile("a");
        assert!(kept.finds("a"));
    }
}

#[test]
fn processes_that_start_at_once_do_not_hinder_each_other() {
    let kept = Kept::new();
    thread::scope(|scope| {
        for process in 0..8 {
            let kept = &kept;
            scope.spawn(move || {
                for round in 0..4 {
                    kept.compile(&format!("{}", (process + round) % 4));
                }
            });
        }
    });
    assert!((0..4).all(|text| kept.finds(&text.to_string())));
    assert_eq!(kept.artefacts(), 4);
}

#[test]
fn what_was_not_used_for_longest_is_removed() {
    let kept = Kept::new();
    let files = ["a", "b", "c"].map(|text| kept.compile(text));
    for (file, seconds) in files.iter().zip([1, 3, 2]) {
        let used = std::time::SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(seconds);
        fs::File::open(file).and_then(|file| file.set_modified(used)).expect("a file of ours");
    }
    // Being found counts as use.
    assert!(kept.finds("a"));
    kept.cache().folder.evict(&Bounds { files: 2, bytes: u64::MAX });
    assert!(kept.finds("a") && kept.finds("b") && !kept.finds("c"));
    kept.cache().folder.evict(&Bounds { files: 2, bytes: 1 });
    assert_eq!(kept.artefacts(), 0);
    // The key stays.
    kept.compile("a");
    assert!(kept.finds("a"));
}

#[test]
fn where_nothing_can_be_written_it_compiles_all_the_same() {
    let kept = Kept::new();
    let cache = kept.cache();
    fs::remove_dir_all(kept.path()).expect("a folder of ours");
    assert!(cache.compile(&kept.engine, &component("a")).is_ok());
    assert!(cache.compile(&kept.engine, b"nonsense").is_err());
}
