//! The simulator: storage that forgets what was not synced.
//!
//! A [`Sim`] behaves like [`Mem`] while it runs, and keeps beside it what is *durable*: contents
//! as of each file's last [`File::sync`], names as of each directory's last
//! [`Storage::sync_dir`]. In between, every write and every change of a name is pending. A crash
//! ([`Sim::crash`]) yields a [`Mem`] with the durable state and, for each pending change, what a
//! seed decides:
//!
//! | pending change | may be |
//! |---|---|
//! | write | kept, lost, or torn: each 512-byte sector kept or lost by itself; in any order |
//! | change of length | kept or lost, in any order with the writes |
//! | create, rename, remove, make directory | kept or lost, each by itself, in their order |
//!
//! A rename is one change: it is never seen half done. A name whose directory was lost is lost.
//!
//! Two faults can be armed: one call that fails ([`Sim::fail_call`]) and a power cut
//! ([`Sim::cut_power`]) after which every call fails. A sync that fails keeps the pending writes
//! from ever becoming durable by a later sync, as Linux does, whose page cache calls a page clean
//! after it failed to write it.
//!
//! Everything is decided by seeds and call numbers, so a failing run repeats.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::mem::{self, Content, Mem, Node};
use crate::{DirEntry, Error, File, Metadata, OpenMode, Operation, Result, Storage};

/// The grain at which a write can tear, in bytes.
pub const SECTOR_SIZE: usize = 512;

/// [`Storage`] in memory that can crash. Cloning shares the state.
#[derive(Debug, Clone, Default)]
pub struct Sim {
    live: Mem,
    state: Arc<Mutex<State>>,
}

impl Sim {
    /// An empty tree with nothing pending and no fault armed.
    pub fn new() -> Self {
        Self::default()
    }

    /// A simulator that begins with the durable content of `mem`.
    pub fn over(mem: &Mem) -> Result<Self> {
        let sim = Self::new();
        copy_tree(mem, &sim.live, Path::new("/"))?;
        copy_tree(mem, &sim.live, Path::new(""))?;
        sim.lock().settle_all(&sim.live);
        Ok(sim)
    }

    /// How many calls were made so far, failed ones included.
    pub fn calls(&self) -> u64 {
        self.lock().calls
    }

    /// Lets the call number `call` (counting all calls from 0) fail once with `kind`, without
    /// effect.
    pub fn fail_call(&self, call: u64, kind: io::ErrorKind) {
        self.lock().fail = Some((call, kind));
    }

    /// Lets the call number `call` and every later one fail. A write or change of a name at that
    /// very moment is still pending, so that the crash image may or may not have it.
    pub fn cut_power(&self, call: u64) {
        self.lock().power_until = Some(call);
    }

    /// What the disk holds after a crash now. The simulator itself goes on unchanged.
    pub fn crash(&self, seed: u64) -> Mem {
        self.lock().crash(&mut Random(seed))
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts the call; says whether a fault is due.
    fn gate(&self, operation: Operation, path: &Path) -> std::result::Result<(), Fault> {
        let mut state = self.lock();
        let call = state.calls;
        state.calls += 1;
        if state.power_until.is_some_and(|cut| call >= cut) {
            let error = io::Error::other("power is off");
            let first = state.power_until == Some(call);
            return Err(Fault { error: Error::new(operation, path, error), in_flight: first });
        }
        match state.fail {
            Some((at, kind)) if at == call => {
                state.fail = None;
                Err(Fault { error: Error::new(operation, path, kind.into()), in_flight: false })
            }
            _ => Ok(()),
        }
    }

    /// A call that only looks.
    fn look(&self, operation: Operation, path: &Path) -> Result<()> {
        self.gate(operation, path).map_err(|fault| fault.error)
    }

    /// A call that changes names: runs `live`, and notes `change` as pending.
    fn change_names(
        &self,
        operation: Operation,
        path: &Path,
        live: impl FnOnce() -> Result<()>,
        changes: impl FnOnce() -> Vec<NameChange>,
    ) -> Result<()> {
        let fault = self.gate(operation, path).err();
        if let Some(fault) = &fault
            && !fault.in_flight
        {
            return fault.result();
        }
        live()?;
        self.lock().names_pending.extend(changes());
        fault.map_or(Ok(()), |fault| fault.result())
    }
}

impl Storage for Sim {
    fn open(&self, path: &Path, mode: OpenMode) -> Result<Arc<dyn File>> {
        if mode == OpenMode::CreateNew {
            let live = || self.live.open(path, mode).map(|_| ());
            self.change_names(Operation::Create, path, live, || {
                let node = self.live.node(path);
                node.map(|node| NameChange::Link(mem::key(path), node)).into_iter().collect()
            })?;
        } else {
            self.look(Operation::Open, path)?;
        }
        let live = self
            .live
            .open(path, if mode == OpenMode::CreateNew { OpenMode::ReadWrite } else { mode })?;
        match self.live.node(path) {
            Some(Node::File(content)) => {
                Ok(Arc::new(SimFile { sim: self.clone(), live, content, path: path.to_owned() }))
            }
            _ => Err(Error::new(Operation::Open, path, io::ErrorKind::NotFound.into())),
        }
    }

    fn metadata(&self, path: &Path) -> Result<Metadata> {
        self.look(Operation::Inspect, path)?;
        self.live.metadata(path)
    }

    fn list(&self, dir: &Path) -> Result<Vec<DirEntry>> {
        self.look(Operation::List, dir)?;
        self.live.list(dir)
    }

    fn create_dir_all(&self, dir: &Path) -> Result<()> {
        let missing = self.live.missing_dirs(dir);
        self.change_names(
            Operation::Create,
            dir,
            || self.live.create_dir_all(dir),
            || missing.into_iter().map(|path| NameChange::Link(path, Node::Dir)).collect(),
        )
    }

    fn rename(&self, from: &Path, to: &Path) -> Result<()> {
        let node = self.live.node(from);
        self.change_names(
            Operation::Rename,
            from,
            || self.live.rename(from, to),
            || {
                let rename = |node| NameChange::Rename(mem::key(from), mem::key(to), node);
                node.map(rename).into_iter().collect()
            },
        )
    }

    fn remove_file(&self, path: &Path) -> Result<()> {
        self.change_names(
            Operation::Remove,
            path,
            || self.live.remove_file(path),
            || vec![NameChange::Unlink(mem::key(path))],
        )
    }

    fn remove_dir(&self, dir: &Path) -> Result<()> {
        self.change_names(
            Operation::Remove,
            dir,
            || self.live.remove_dir(dir),
            || vec![NameChange::Unlink(mem::key(dir))],
        )
    }

    fn sync_dir(&self, dir: &Path) -> Result<()> {
        self.look(Operation::Sync, dir)?;
        self.live.sync_dir(dir)?;
        self.lock().settle_dir(&mem::key(dir));
        Ok(())
    }
}

#[derive(Debug)]
struct Fault {
    error: Error,
    /// The power went while the call was under way: its effect is pending.
    in_flight: bool,
}

impl Fault {
    fn result<T>(&self) -> Result<T> {
        let source = io::Error::new(self.error.kind(), self.error.source.to_string());
        Err(Error::new(self.error.operation, &self.error.path, source))
    }
}

#[derive(Debug, Clone)]
enum NameChange {
    Link(PathBuf, Node),
    Unlink(PathBuf),
    Rename(PathBuf, PathBuf, Node),
}

impl NameChange {
    fn touches(&self, dir: &Path) -> bool {
        let within = |path: &Path| path.parent().is_some_and(|p| p == dir);
        match self {
            Self::Link(path, _) | Self::Unlink(path) => within(path),
            Self::Rename(from, to, _) => within(from) || within(to),
        }
    }

    fn apply(&self, names: &mut BTreeMap<PathBuf, Node>) {
        match self {
            Self::Link(path, node) => {
                names.insert(path.clone(), node.clone());
            }
            Self::Unlink(path) => {
                names.remove(path);
            }
            Self::Rename(from, to, node) => {
                mem::move_names(names, from, to);
                names.insert(to.clone(), node.clone());
            }
        }
    }
}

#[derive(Debug, Clone)]
enum ContentChange {
    Write { offset: u64, data: Vec<u8> },
    SetLen(u64),
}

#[derive(Debug, Default)]
struct FileState {
    durable: Vec<u8>,
    /// Changes since the last sync, and whether a failed sync doomed them.
    pending: Vec<(ContentChange, bool)>,
}

#[derive(Debug, Default)]
struct State {
    calls: u64,
    fail: Option<(u64, io::ErrorKind)>,
    power_until: Option<u64>,
    names: BTreeMap<PathBuf, Node>,
    names_pending: Vec<NameChange>,
    files: BTreeMap<u64, FileState>,
}

impl State {
    fn settle_all(&mut self, live: &Mem) {
        let mut dirs = vec![PathBuf::from("/"), PathBuf::new()];
        while let Some(dir) = dirs.pop() {
            for entry in live.list(&dir).unwrap_or_default() {
                let path = mem::key(&dir.join(&entry.name));
                if let Some(node) = live.node(&path) {
                    if let Node::File(content) = &node {
                        let durable = content.read().clone();
                        self.files.insert(content.id, FileState { durable, pending: Vec::new() });
                    }
                    self.names.insert(path.clone(), node);
                }
                if entry.is_dir {
                    dirs.push(path);
                }
            }
        }
    }

    fn settle_dir(&mut self, dir: &Path) {
        let (settled, pending) = std::mem::take(&mut self.names_pending)
            .into_iter()
            .partition::<Vec<_>, _>(|change| change.touches(dir));
        self.names_pending = pending;
        for change in settled {
            change.apply(&mut self.names);
        }
    }

    fn crash(&self, random: &mut Random) -> Mem {
        let mut names = self.names.clone();
        for change in &self.names_pending {
            if random.flip() {
                change.apply(&mut names);
            }
        }
        let mut image = BTreeMap::new();
        for (path, node) in &names {
            let reachable = path
                .ancestors()
                .skip(1)
                .all(|dir| mem::is_root(dir) || matches!(names.get(dir), Some(Node::Dir)));
            if !reachable {
                continue;
            }
            let node = match node {
                Node::Dir => Node::Dir,
                Node::File(content) => {
                    let bytes = self.files.get(&content.id).map_or_else(Vec::new, |file| {
                        file.after_crash(&mut Random(random.0 ^ content.id.rotate_left(32)))
                    });
                    Node::File(Arc::new(Content::new(image.len() as u64, bytes)))
                }
            };
            image.insert(path.clone(), node);
        }
        Mem::from_names(image)
    }
}

impl FileState {
    fn settle(&mut self) {
        for (change, doomed) in std::mem::take(&mut self.pending) {
            if !doomed {
                apply(&change, &mut self.durable);
            }
        }
    }

    fn after_crash(&self, random: &mut Random) -> Vec<u8> {
        let mut bytes = self.durable.clone();
        let mut pending: Vec<&ContentChange> = self.pending.iter().map(|(c, _)| c).collect();
        random.shuffle(&mut pending);
        for change in pending {
            match (random.below(3), change) {
                (0, _) => {}
                (1, change) => apply(change, &mut bytes),
                (_, ContentChange::Write { offset, data }) => {
                    tear(*offset, data, random, &mut bytes);
                }
                (_, ContentChange::SetLen(_)) => {}
            }
        }
        bytes
    }
}

fn apply(change: &ContentChange, bytes: &mut Vec<u8>) {
    // A change that memory refused was refused to the caller too, and is not pending.
    let _ = match change {
        ContentChange::Write { offset, data } => mem::write_bytes(bytes, data, *offset),
        ContentChange::SetLen(len) => {
            mem::resize(bytes, usize::try_from(*len).unwrap_or(usize::MAX))
        }
    };
}

/// Keeps some of the sectors that a write covers.
fn tear(offset: u64, data: &[u8], random: &mut Random, bytes: &mut Vec<u8>) {
    let mut at = offset;
    let mut rest = data;
    while !rest.is_empty() {
        let in_sector = usize::try_from(at % SECTOR_SIZE as u64).unwrap_or(0);
        let (sector, tail) = rest.split_at(rest.len().min(SECTOR_SIZE - in_sector));
        if random.flip() {
            let _ = mem::write_bytes(bytes, sector, at);
        }
        at = at.saturating_add(sector.len() as u64);
        rest = tail;
    }
}

/// SplitMix64 (Steele, Lea, Flood 2014): small, seedable, good enough to choose faults.
#[derive(Debug)]
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    fn below(&mut self, n: u64) -> u64 {
        self.next() % n.max(1)
    }

    fn flip(&mut self) -> bool {
        self.below(2) == 1
    }

    fn shuffle<T>(&mut self, items: &mut [T]) {
        for i in (1..items.len()).rev() {
            let j = usize::try_from(self.below(i as u64 + 1)).unwrap_or(0);
            items.swap(i, j);
        }
    }
}

fn copy_tree(from: &Mem, to: &Mem, dir: &Path) -> Result<()> {
    for entry in from.list(dir)? {
        let path = dir.join(&entry.name);
        if entry.is_dir {
            to.create_dir_all(&path)?;
            copy_tree(from, to, &path)?;
        } else if let Some(content) = from.get(&path) {
            to.put(&path, content)?;
        }
    }
    Ok(())
}

#[derive(Debug)]
struct SimFile {
    sim: Sim,
    live: Arc<dyn File>,
    content: Arc<Content>,
    path: PathBuf,
}

impl SimFile {
    fn change(
        &self,
        operation: Operation,
        live: impl FnOnce() -> Result<()>,
        change: impl FnOnce() -> ContentChange,
    ) -> Result<()> {
        let fault = self.sim.gate(operation, &self.path).err();
        if let Some(fault) = &fault
            && !fault.in_flight
        {
            return fault.result();
        }
        live()?;
        let mut state = self.sim.lock();
        state.files.entry(self.content.id).or_default().pending.push((change(), false));
        fault.map_or(Ok(()), |fault| fault.result())
    }
}

impl File for SimFile {
    fn len(&self) -> Result<u64> {
        self.sim.look(Operation::Inspect, &self.path)?;
        self.live.len()
    }

    fn read_at(&self, buf: &mut [u8], offset: u64) -> Result<usize> {
        self.sim.look(Operation::Read, &self.path)?;
        self.live.read_at(buf, offset)
    }

    fn read_exact_at(&self, buf: &mut [u8], offset: u64) -> Result<()> {
        self.sim.look(Operation::Read, &self.path)?;
        self.live.read_exact_at(buf, offset)
    }

    fn write_all_at(&self, data: &[u8], offset: u64) -> Result<()> {
        self.change(
            Operation::Write,
            || self.live.write_all_at(data, offset),
            || ContentChange::Write { offset, data: data.to_vec() },
        )
    }

    fn set_len(&self, len: u64) -> Result<()> {
        self.change(Operation::SetLen, || self.live.set_len(len), || ContentChange::SetLen(len))
    }

    fn sync(&self) -> Result<()> {
        let result = self.sim.look(Operation::Sync, &self.path);
        let mut state = self.sim.lock();
        let file = state.files.entry(self.content.id).or_default();
        if result.is_ok() {
            file.settle();
        } else {
            file.pending.iter_mut().for_each(|(_, doomed)| *doomed = true);
        }
        result
    }
}

#[cfg(test)]
mod tests;
