//! The large corpus: real databases and logs, each set an archive `NAME.tar.zst`.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

/// The corpus, unpacked.
#[derive(Debug)]
pub struct Corpus {
    archives: PathBuf,
    unpacked: PathBuf,
}

impl Corpus {
    /// The folder that holds the archives and, beside each, its `headers.json`.
    pub fn archives(&self) -> &Path {
        &self.archives
    }

    /// The folder with one subfolder for each set.
    pub fn unpacked(&self) -> &Path {
        &self.unpacked
    }

    /// Every database file, sorted.
    pub fn databases(&self) -> Vec<PathBuf> {
        let mut found = Vec::new();
        walk(&self.unpacked, &mut found);
        found.retain(|path| {
            let extension = path.extension().and_then(|e| e.to_str()).unwrap_or_default();
            ["dit", "edb", "dat", "mdb", "db"].contains(&extension)
        });
        found.sort();
        found
    }
}

/// The corpus, or `None` (said in one line on the standard error) where it is absent.
pub fn corpus() -> Option<&'static Corpus> {
    static CORPUS: OnceLock<Option<Corpus>> = OnceLock::new();
    CORPUS
        .get_or_init(|| {
            let archives = std::env::var_os("DSBACKUP_CORPUS")
                .map_or_else(|| super::root().join("../shared/data"), PathBuf::from);
            if !archives.is_dir() {
                eprintln!("skipped: no corpus at {} (DSBACKUP_CORPUS)", archives.display());
                return None;
            }
            Some(Corpus { unpacked: unpack_all(&archives), archives })
        })
        .as_ref()
}

fn unpack_all(archives: &Path) -> PathBuf {
    let target = super::root().join("target/corpus");
    fs::create_dir_all(&target).unwrap();
    let mut found = Vec::new();
    walk(archives, &mut found);
    found.retain(|path| path.to_string_lossy().ends_with(".tar.zst"));
    found.sort();
    for archive in found {
        unpack(&archive, &target);
    }
    target
}

/// Unpacks one archive unless an earlier run did. Test processes run side by side, so the work
/// goes into a directory of this process and is renamed when it is whole.
fn unpack(archive: &Path, target: &Path) {
    let name = archive.file_name().unwrap().to_string_lossy();
    let name = name.trim_end_matches(".tar.zst");
    if target.join(name).exists() {
        return;
    }
    let private = tempfile::Builder::new().prefix(".unpack-").tempdir_in(target).unwrap();
    let mut decoder = zstd::Decoder::new(fs::File::open(archive).unwrap()).unwrap();
    decoder.window_log_max(27).unwrap();
    tar::Archive::new(decoder).unpack(private.path()).unwrap();
    if fs::rename(private.path().join(name), target.join(name)).is_err() {
        assert!(target.join(name).exists(), "{name} could not be unpacked");
    }
}

fn walk(dir: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(dir).unwrap() {
        let entry = entry.unwrap();
        if entry.file_name().to_string_lossy().starts_with(".unpack-") {
            continue;
        }
        if entry.file_type().unwrap().is_dir() {
            walk(&entry.path(), found);
        } else {
            found.push(entry.path());
        }
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_corpus_has_databases_where_it_is_present() {
        if let Some(corpus) = super::corpus() {
            assert!(corpus.databases().len() > 30, "{:?}", corpus.databases());
        }
    }

    #[test]
    fn committed_sets_unpack() {
        let set = crate::set("crash_8k_f");
        assert!(set.file("edb.log").is_file());
        assert_eq!(crate::database("clean_8k").len(), 3_145_728);
    }
}
