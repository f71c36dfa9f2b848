//! Files in memory.
//!
//! A [`Mem`] is a tree of names over shared contents, as in a file system: a file that is open
//! stays readable after its name is gone, and clones of a `Mem` see the same tree. The root (`/`
//! and the empty path) always exists; a file is made only in a directory that exists. Paths are
//! taken lexically: `.` is dropped, `..` goes up.

use std::collections::BTreeMap;
use std::io;
use std::ops::Bound;
use std::path::{Component, Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use crate::durable::parent;
use crate::{DirEntry, Error, File, Metadata, OpenMode, Operation, Result, Storage};

/// [`Storage`] in memory. Cloning shares the tree.
#[derive(Debug, Clone, Default)]
pub struct Mem {
    tree: Arc<Mutex<Tree>>,
}

impl Mem {
    /// An empty tree.
    pub fn new() -> Self {
        Self::default()
    }

    /// Puts a file with `content` at `path`, with its directories, replacing what is there.
    pub fn put(&self, path: impl AsRef<Path>, content: impl Into<Vec<u8>>) -> Result<()> {
        let path = path.as_ref();
        self.create_dir_all(parent(path))?;
        match self.remove_file(path) {
            Err(e) if !e.is_not_found() => return Err(e),
            _ => {}
        }
        let content = Content::new(self.lock().take_id(), content.into());
        self.lock().names.insert(key(path), Node::File(Arc::new(content)));
        Ok(())
    }

    /// The content of the file at `path`, or `None` if there is no file.
    pub fn get(&self, path: impl AsRef<Path>) -> Option<Vec<u8>> {
        match self.lock().names.get(&key(path.as_ref())) {
            Some(Node::File(content)) => Some(content.read().clone()),
            _ => None,
        }
    }

    pub(crate) fn from_names(names: BTreeMap<PathBuf, Node>) -> Self {
        let next_id = names.len() as u64;
        Self { tree: Arc::new(Mutex::new(Tree { names, next_id })) }
    }

    pub(crate) fn node(&self, path: &Path) -> Option<Node> {
        self.lock().names.get(&key(path)).cloned()
    }

    /// Directories among `dir` and its parents that do not exist, topmost first.
    pub(crate) fn missing_dirs(&self, dir: &Path) -> Vec<PathBuf> {
        let tree = self.lock();
        let mut missing: Vec<PathBuf> = key(dir)
            .ancestors()
            .filter(|p| !is_root(p) && !tree.names.contains_key(*p))
            .map(Path::to_path_buf)
            .collect();
        missing.reverse();
        missing
    }

    fn lock(&self) -> MutexGuard<'_, Tree> {
        self.tree.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Storage for Mem {
    fn open(&self, path: &Path, mode: OpenMode) -> Result<Arc<dyn File>> {
        let operation =
            if mode == OpenMode::CreateNew { Operation::Create } else { Operation::Open };
        let fail = |kind: io::ErrorKind| Error::new(operation, path, kind.into());
        let mut tree = self.lock();
        let content = match (tree.names.get(&key(path)), mode) {
            (None, OpenMode::CreateNew) => {
                tree.require_dir(parent(path)).map_err(fail)?;
                let content = Arc::new(Content::new(tree.take_id(), Vec::new()));
                tree.names.insert(key(path), Node::File(content.clone()));
                content
            }
            (Some(_), OpenMode::CreateNew) => return Err(fail(io::ErrorKind::AlreadyExists)),
            (None, _) => return Err(fail(io::ErrorKind::NotFound)),
            (Some(Node::Dir), _) => return Err(fail(io::ErrorKind::IsADirectory)),
            (Some(Node::File(content)), _) => content.clone(),
        };
        Ok(Arc::new(MemFile { content, path: path.to_owned(), writable: mode != OpenMode::Read }))
    }

    fn metadata(&self, path: &Path) -> Result<Metadata> {
        if is_root(&key(path)) {
            return Ok(Metadata { len: 0, is_dir: true });
        }
        match self.node(path) {
            Some(Node::Dir) => Ok(Metadata { len: 0, is_dir: true }),
            Some(Node::File(c)) => Ok(Metadata { len: c.read().len() as u64, is_dir: false }),
            None => Err(Error::new(Operation::Inspect, path, io::ErrorKind::NotFound.into())),
        }
    }

    fn list(&self, dir: &Path) -> Result<Vec<DirEntry>> {
        let tree = self.lock();
        tree.require_dir(dir).map_err(|kind| Error::new(Operation::List, dir, kind.into()))?;
        let dir = key(dir);
        let entries = tree
            .below(&dir)
            .filter(|(path, _)| path.parent() == Some(&dir))
            .filter_map(|(path, node)| {
                let name = path.file_name()?.to_owned();
                Some(DirEntry { name, is_dir: matches!(node, Node::Dir) })
            })
            .collect();
        Ok(entries)
    }

    fn create_dir_all(&self, dir: &Path) -> Result<()> {
        let mut tree = self.lock();
        for path in key(dir).ancestors().filter(|p| !is_root(p)) {
            if let Some(Node::File(_)) = tree.names.get(path) {
                return Err(Error::new(
                    Operation::Create,
                    dir,
                    io::ErrorKind::NotADirectory.into(),
                ));
            }
        }
        for path in key(dir).ancestors().filter(|p| !is_root(p)) {
            tree.names.insert(path.to_owned(), Node::Dir);
        }
        Ok(())
    }

    fn rename(&self, from: &Path, to: &Path) -> Result<()> {
        let fail = |kind: io::ErrorKind| Error::new(Operation::Rename, from, kind.into());
        let mut tree = self.lock();
        let node = tree.names.get(&key(from)).ok_or_else(|| fail(io::ErrorKind::NotFound))?;
        let from_dir = matches!(node, Node::Dir);
        tree.require_dir(parent(to)).map_err(fail)?;
        match tree.names.get(&key(to)) {
            Some(Node::Dir) if !from_dir => return Err(fail(io::ErrorKind::IsADirectory)),
            Some(Node::File(_)) if from_dir => return Err(fail(io::ErrorKind::NotADirectory)),
            Some(Node::Dir) if tree.below(&key(to)).next().is_some() => {
                return Err(fail(io::ErrorKind::DirectoryNotEmpty));
            }
            _ => {}
        }
        move_names(&mut tree.names, &key(from), &key(to));
        Ok(())
    }

    fn remove_file(&self, path: &Path) -> Result<()> {
        let fail = |kind: io::ErrorKind| Error::new(Operation::Remove, path, kind.into());
        let mut tree = self.lock();
        match tree.names.get(&key(path)) {
            None => Err(fail(io::ErrorKind::NotFound)),
            Some(Node::Dir) => Err(fail(io::ErrorKind::IsADirectory)),
            Some(Node::File(_)) => {
                tree.names.remove(&key(path));
                Ok(())
            }
        }
    }

    fn remove_dir(&self, dir: &Path) -> Result<()> {
        let fail = |kind: io::ErrorKind| Error::new(Operation::Remove, dir, kind.into());
        let mut tree = self.lock();
        match tree.names.get(&key(dir)) {
            None => return Err(fail(io::ErrorKind::NotFound)),
            Some(Node::File(_)) => return Err(fail(io::ErrorKind::NotADirectory)),
            Some(Node::Dir) => {}
        }
        if tree.below(&key(dir)).next().is_some() {
            return Err(fail(io::ErrorKind::DirectoryNotEmpty));
        }
        tree.names.remove(&key(dir));
        Ok(())
    }

    fn sync_dir(&self, dir: &Path) -> Result<()> {
        self.lock().require_dir(dir).map_err(|kind| Error::new(Operation::Sync, dir, kind.into()))
    }
}

/// What a name stands for.
#[derive(Debug, Clone)]
pub(crate) enum Node {
    Dir,
    File(Arc<Content>),
}

/// The bytes of a file, which live as long as a name or an open file refers to them.
#[derive(Debug)]
pub(crate) struct Content {
    pub(crate) id: u64,
    bytes: RwLock<Vec<u8>>,
}

impl Content {
    pub(crate) fn new(id: u64, bytes: Vec<u8>) -> Self {
        Self { id, bytes: RwLock::new(bytes) }
    }

    pub(crate) fn read(&self) -> RwLockReadGuard<'_, Vec<u8>> {
        self.bytes.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn write(&self) -> RwLockWriteGuard<'_, Vec<u8>> {
        self.bytes.write().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Writes `data` at `offset` into `bytes`, extending with zeros; fails where memory ends.
pub(crate) fn write_bytes(bytes: &mut Vec<u8>, data: &[u8], offset: u64) -> io::Result<()> {
    let start = usize::try_from(offset).map_err(|_| io::ErrorKind::FileTooLarge)?;
    let end = start.checked_add(data.len()).ok_or(io::ErrorKind::FileTooLarge)?;
    if end > bytes.len() && !data.is_empty() {
        resize(bytes, end)?;
    }
    if let Some(target) = bytes.get_mut(start..end) {
        target.copy_from_slice(data);
    }
    Ok(())
}

/// Cuts or extends with zeros; fails where memory ends.
pub(crate) fn resize(bytes: &mut Vec<u8>, len: usize) -> io::Result<()> {
    let more = len.saturating_sub(bytes.len());
    bytes.try_reserve(more).map_err(|_| io::ErrorKind::StorageFull)?;
    bytes.resize(len, 0);
    Ok(())
}

/// Gives the name `to` to what `from` names, with everything below it.
pub(crate) fn move_names(names: &mut BTreeMap<PathBuf, Node>, from: &Path, to: &Path) {
    let moved: Vec<PathBuf> = names.keys().filter(|path| path.starts_with(from)).cloned().collect();
    for path in moved {
        if let (Some(node), Ok(rest)) = (names.remove(&path), path.strip_prefix(from)) {
            let target = if rest.as_os_str().is_empty() { to.to_owned() } else { to.join(rest) };
            names.insert(target, node);
        }
    }
}

/// The form under which a path is kept.
pub(crate) fn key(path: &Path) -> PathBuf {
    let mut out = PathBuf::new();
    for component in path.components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir => {
                out.pop();
            }
            other => out.push(other),
        }
    }
    out
}

pub(crate) fn is_root(path: &Path) -> bool {
    path.as_os_str().is_empty() || path == Path::new("/")
}

#[derive(Debug, Default)]
struct Tree {
    names: BTreeMap<PathBuf, Node>,
    next_id: u64,
}

impl Tree {
    fn take_id(&mut self) -> u64 {
        self.next_id += 1;
        self.next_id
    }

    fn require_dir(&self, dir: &Path) -> std::result::Result<(), io::ErrorKind> {
        let dir = key(dir);
        match self.names.get(&dir) {
            _ if is_root(&dir) => Ok(()),
            Some(Node::Dir) => Ok(()),
            Some(Node::File(_)) => Err(io::ErrorKind::NotADirectory),
            None => Err(io::ErrorKind::NotFound),
        }
    }

    fn below(&self, dir: &Path) -> impl Iterator<Item = (&PathBuf, &Node)> {
        let dir = dir.to_owned();
        self.names
            .range((Bound::Excluded(dir.clone()), Bound::Unbounded))
            .take_while(move |(path, _)| path.starts_with(&dir))
    }
}

#[derive(Debug)]
struct MemFile {
    content: Arc<Content>,
    path: PathBuf,
    writable: bool,
}

impl MemFile {
    fn error(&self, operation: Operation, source: io::Error) -> Error {
        Error::new(operation, &self.path, source)
    }

    fn require_writable(&self, operation: Operation) -> Result<()> {
        if self.writable {
            return Ok(());
        }
        Err(self.error(operation, io::ErrorKind::PermissionDenied.into()))
    }
}

impl File for MemFile {
    fn len(&self) -> Result<u64> {
        Ok(self.content.read().len() as u64)
    }

    fn read_at(&self, buf: &mut [u8], offset: u64) -> Result<usize> {
        let bytes = self.content.read();
        let tail = usize::try_from(offset).ok().and_then(|o| bytes.get(o..)).unwrap_or_default();
        let n = tail.len().min(buf.len());
        if let (Some(target), Some(source)) = (buf.get_mut(..n), tail.get(..n)) {
            target.copy_from_slice(source);
        }
        Ok(n)
    }

    fn read_exact_at(&self, buf: &mut [u8], offset: u64) -> Result<()> {
        if self.read_at(buf, offset)? == buf.len() {
            return Ok(());
        }
        Err(self.error(Operation::Read, io::ErrorKind::UnexpectedEof.into()))
    }

    fn write_all_at(&self, data: &[u8], offset: u64) -> Result<()> {
        self.require_writable(Operation::Write)?;
        write_bytes(&mut self.content.write(), data, offset)
            .map_err(|e| self.error(Operation::Write, e))
    }

    fn set_len(&self, len: u64) -> Result<()> {
        self.require_writable(Operation::SetLen)?;
        usize::try_from(len)
            .map_err(|_| io::ErrorKind::FileTooLarge.into())
            .and_then(|len| resize(&mut self.content.write(), len))
            .map_err(|e| self.error(Operation::SetLen, e))
    }

    fn sync(&self) -> Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn open(mem: &Mem, path: &str, mode: OpenMode) -> Arc<dyn File> {
        mem.open(Path::new(path), mode).unwrap()
    }

    #[test]
    fn what_is_written_is_read_with_holes_as_zeros() {
        let mem = Mem::new();
        let file = open(&mem, "/a", OpenMode::CreateNew);
        file.write_all_at(b"xyz", 5).unwrap();
        let mut buf = [9; 10];
        assert_eq!(file.read_at(&mut buf, 3).unwrap(), 5);
        assert_eq!(&buf[..5], b"\0\0xyz");
        file.set_len(6).unwrap();
        assert_eq!(mem.get("/a").unwrap(), b"\0\0\0\0\0x");
        assert!(file.read_exact_at(&mut buf, 0).is_err());
    }

    #[test]
    fn a_file_opened_for_reading_cannot_be_written() {
        let mem = Mem::new();
        mem.put("/a", *b"x").unwrap();
        let file = open(&mem, "/a", OpenMode::Read);
        assert_eq!(file.write_all_at(b"y", 0).unwrap_err().kind(), io::ErrorKind::PermissionDenied);
        assert!(file.set_len(0).is_err());
    }

    #[test]
    fn names_behave_as_in_a_file_system() {
        let mem = Mem::new();
        let at = Path::new;
        assert!(mem.open(at("/d/a"), OpenMode::CreateNew).unwrap_err().is_not_found());
        mem.create_dir_all(at("/d/e")).unwrap();
        let file = open(&mem, "/d/./e/../a", OpenMode::CreateNew);
        file.write_all_at(b"1", 0).unwrap();
        assert_eq!(
            mem.open(at("/d/a"), OpenMode::CreateNew).unwrap_err().kind(),
            io::ErrorKind::AlreadyExists
        );
        mem.put("/d/b", *b"2").unwrap();
        let names: Vec<_> =
            mem.list(at("/d")).unwrap().into_iter().map(|e| (e.name, e.is_dir)).collect();
        assert_eq!(names, [("a".into(), false), ("b".into(), false), ("e".into(), true)]);
        mem.rename(at("/d/a"), at("/d/b")).unwrap();
        assert_eq!(mem.get("/d/b").unwrap(), b"1");
        assert_eq!(mem.get("/d/a"), None);
        mem.rename(at("/d"), at("/f")).unwrap();
        assert_eq!(mem.get("/f/b").unwrap(), b"1");
        assert!(mem.remove_dir(at("/f")).is_err());
        mem.remove_file(at("/f/b")).unwrap();
        mem.remove_dir(at("/f/e")).unwrap();
        mem.remove_dir(at("/f")).unwrap();
        assert!(mem.list(at("/")).unwrap().is_empty());
        let mut buf = [0];
        assert_eq!(file.read_at(&mut buf, 0).unwrap(), 1, "open files outlive their names");
    }

    #[test]
    fn a_file_is_no_directory_and_a_directory_no_file() {
        let mem = Mem::new();
        mem.put("/a", *b"").unwrap();
        assert!(mem.create_dir_all(Path::new("/a/b")).is_err());
        assert!(mem.list(Path::new("/a")).is_err());
        mem.create_dir_all(Path::new("/d")).unwrap();
        assert!(mem.open(Path::new("/d"), OpenMode::Read).is_err());
        assert!(mem.rename(Path::new("/a"), Path::new("/d")).is_err());
        assert!(mem.rename(Path::new("/d"), Path::new("/a")).is_err());
    }
}
