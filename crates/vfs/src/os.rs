//! The operating system's files.

use std::fs;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::{DirEntry, Error, File, Metadata, OpenMode, Operation, Result, Storage};

/// [`Storage`] over the operating system's files; paths are taken as they are.
#[derive(Debug, Clone, Copy, Default)]
pub struct Os;

#[derive(Debug)]
struct OsFile {
    file: fs::File,
    path: PathBuf,
}

impl OsFile {
    fn error(&self, operation: Operation, source: io::Error) -> Error {
        Error::new(operation, &self.path, source)
    }
}

impl File for OsFile {
    fn len(&self) -> Result<u64> {
        Ok(self.file.metadata().map_err(|e| self.error(Operation::Inspect, e))?.len())
    }

    fn read_at(&self, mut buf: &mut [u8], mut offset: u64) -> Result<usize> {
        let mut total = 0;
        while !buf.is_empty() {
            match self.file.read_at(buf, offset) {
                Ok(0) => break,
                Ok(n) => {
                    total += n;
                    offset += n as u64;
                    buf = buf.get_mut(n..).unwrap_or_default();
                }
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) => return Err(self.error(Operation::Read, e)),
            }
        }
        Ok(total)
    }

    fn read_exact_at(&self, buf: &mut [u8], offset: u64) -> Result<()> {
        self.file.read_exact_at(buf, offset).map_err(|e| self.error(Operation::Read, e))
    }

    fn write_all_at(&self, data: &[u8], offset: u64) -> Result<()> {
        self.file.write_all_at(data, offset).map_err(|e| self.error(Operation::Write, e))
    }

    fn set_len(&self, len: u64) -> Result<()> {
        self.file.set_len(len).map_err(|e| self.error(Operation::SetLen, e))
    }

    fn sync(&self) -> Result<()> {
        self.file.sync_all().map_err(|e| self.error(Operation::Sync, e))
    }
}

impl Storage for Os {
    fn open(&self, path: &Path, mode: OpenMode) -> Result<Arc<dyn File>> {
        let (operation, mut options) = (
            if mode == OpenMode::CreateNew { Operation::Create } else { Operation::Open },
            fs::OpenOptions::new(),
        );
        match mode {
            OpenMode::Read => options.read(true),
            OpenMode::ReadWrite => options.read(true).write(true),
            OpenMode::CreateNew => options.read(true).write(true).create_new(true),
        };
        // What is made here holds a directory's secrets, or is written for one reader.
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let file = options.open(path).map_err(|e| Error::new(operation, path, e))?;
        let kind =
            file.metadata().map_err(|e| Error::new(Operation::Inspect, path, e))?.file_type();
        if !kind.is_file() {
            let source = io::Error::new(io::ErrorKind::InvalidInput, "not a regular file");
            return Err(Error::new(operation, path, source));
        }
        Ok(Arc::new(OsFile { file, path: path.to_owned() }))
    }

    fn metadata(&self, path: &Path) -> Result<Metadata> {
        let metadata = fs::metadata(path).map_err(|e| Error::new(Operation::Inspect, path, e))?;
        let is_dir = metadata.is_dir();
        Ok(Metadata { len: if is_dir { 0 } else { metadata.len() }, is_dir })
    }

    fn list(&self, dir: &Path) -> Result<Vec<DirEntry>> {
        let error = |e| Error::new(Operation::List, dir, e);
        let mut entries = Vec::new();
        for entry in fs::read_dir(dir).map_err(error)? {
            let entry = entry.map_err(error)?;
            let is_dir = fs::metadata(entry.path()).is_ok_and(|m| m.is_dir());
            entries.push(DirEntry { name: entry.file_name(), is_dir });
        }
        entries.sort();
        Ok(entries)
    }

    fn create_dir_all(&self, dir: &Path) -> Result<()> {
        fs::create_dir_all(dir).map_err(|e| Error::new(Operation::Create, dir, e))
    }

    fn rename(&self, from: &Path, to: &Path) -> Result<()> {
        fs::rename(from, to).map_err(|e| Error::new(Operation::Rename, from, e))
    }

    fn remove_file(&self, path: &Path) -> Result<()> {
        fs::remove_file(path).map_err(|e| Error::new(Operation::Remove, path, e))
    }

    fn remove_dir(&self, dir: &Path) -> Result<()> {
        fs::remove_dir(dir).map_err(|e| Error::new(Operation::Remove, dir, e))
    }

    fn available(&self, dir: &Path) -> Result<Option<u64>> {
        let found = rustix::fs::statvfs(dir)
            .map_err(|e| Error::new(Operation::Inspect, dir, io::Error::from(e)))?;
        Ok(Some(found.f_bavail.saturating_mul(found.f_frsize)))
    }

    fn sync_dir(&self, dir: &Path) -> Result<()> {
        let error = |e| Error::new(Operation::Sync, dir, e);
        fs::File::open(dir).map_err(error)?.sync_all().map_err(error)
    }
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_new_file_can_be_read_by_its_owner_only() {
        let path = std::env::temp_dir().join(format!("vfs-mode-{}", std::process::id()));
        drop(Os.open(&path, OpenMode::CreateNew).unwrap());
        let mode = fs::metadata(&path).unwrap().permissions().mode();
        fs::remove_file(path).unwrap();
        assert_eq!(mode & 0o077, 0);
    }
}
