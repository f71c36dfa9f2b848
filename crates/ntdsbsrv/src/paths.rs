//! Paths that come from a caller: which of them may be recorded and opened.
//!
//! The service may be more powerful than its caller, so a path that a caller names is only taken
//! if it lies below a directory that the configuration allows. The test is on the path's text (no
//! `..`, no relative path) and on the file system: no component below the allowed directory may
//! be a symbolic link, which would lead out of it.

use std::path::{Component, Path, PathBuf};

use rustix::fs::{FileType, Mode};

/// `path` with `.` and repeated separators removed; `None` if it is relative or has a `..`.
pub(crate) fn plain(path: &Path) -> Option<PathBuf> {
    let mut plain = PathBuf::new();
    for component in path.components() {
        match component {
            Component::RootDir | Component::Normal(_) => plain.push(component),
            Component::CurDir => {}
            Component::ParentDir | Component::Prefix(_) => return None,
        }
    }
    plain.is_absolute().then_some(plain)
}

/// Whether `path`, which must be plain, lies in or below one of `roots` and no symbolic link
/// leads out of it.
pub(crate) fn lies_below(path: &Path, roots: &[PathBuf]) -> bool {
    roots.iter().any(|root| {
        path.strip_prefix(root).is_ok_and(|below| {
            let mut walked = root.clone();
            below.components().all(|component| {
                walked.push(component);
                !is_symlink(&walked)
            })
        })
    })
}

/// Leaves a file to its owner alone, as far as the system lets us.
pub(crate) fn make_private(path: &Path) {
    let _ = rustix::fs::chmod(path, Mode::RUSR | Mode::WUSR);
}

/// What is not there (yet) is no link.
fn is_symlink(path: &Path) -> bool {
    rustix::fs::lstat(path)
        .is_ok_and(|stat| FileType::from_raw_mode(stat.st_mode) == FileType::Symlink)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn relative_and_climbing_paths_are_not_plain() {
        let check = |path: &str| plain(Path::new(path)).map(|p| p.display().to_string());
        assert_eq!(check("/srv//dc1/./ntds.dit").as_deref(), Some("/srv/dc1/ntds.dit"));
        assert_eq!(check("/srv/../etc/shadow"), None);
        assert_eq!(check("srv/ntds.dit"), None);
        assert_eq!(check(""), None);
    }

    #[test]
    fn links_do_not_lead_out() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().join("root");
        std::fs::create_dir_all(root.join("sub")).unwrap();
        std::os::unix::fs::symlink("/etc", root.join("link")).unwrap();
        let roots = [root.clone()];
        assert!(lies_below(&root.join("sub/ntds.dit"), &roots));
        assert!(lies_below(&root, &roots));
        assert!(!lies_below(&root.join("link/shadow"), &roots));
        assert!(!lies_below(&dir.path().join("rootless"), &roots));
        assert!(!lies_below(Path::new("/etc/shadow"), &roots));
    }
}
