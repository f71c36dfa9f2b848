//! The scratch file: changed pages that found no room in memory.
//!
//! It is a row of slots of one page each. A page keeps its slot; slots of forgotten pages are used
//! again. It holds nothing of value once its owner is gone, so it is taken out of its directory as
//! soon as it is open; where the system does not allow that, when it is dropped.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use ese_format::page::{PageHeader, seal};
use ese_format::{PageNumber, PageSize};
use vfs::{File, OpenMode, Storage};

use super::Spill;
use super::numbers::PageMap;
use crate::Error;
use crate::page::{Page, PageError};

/// Where changed pages are put aside.
#[derive(Debug)]
pub(super) struct Scratch {
    spill: Spill,
    page_size: PageSize,
    backing: Option<Backing>,
    slots: PageMap<u32>,
    free: Vec<u32>,
    /// Slots that the backing has.
    len: u32,
}

/// Bytes in memory or in a file.
#[derive(Debug)]
pub(crate) enum Backing {
    Memory(Vec<u8>),
    File { file: Arc<dyn File>, left_behind: Option<(Arc<dyn Storage>, PathBuf)> },
}

impl Scratch {
    pub(super) fn new(spill: Spill, page_size: PageSize) -> Self {
        let slots = PageMap::default();
        Self { spill, page_size, backing: None, slots, free: Vec::new(), len: 0 }
    }

    /// Puts a page aside, sealed.
    pub(super) fn write(&mut self, number: PageNumber, bytes: &mut [u8]) -> Result<(), Error> {
        if bytes.iter().any(|byte| *byte != 0) {
            seal(bytes, number);
        }
        if self.backing.is_none() {
            self.backing = Some(Backing::open(&self.spill)?);
        }
        let slot = match self.slots.get(&number.0) {
            Some(slot) => *slot,
            None => self.free.last().copied().unwrap_or(self.len),
        };
        let offset = self.offset(slot);
        if let Some(backing) = &mut self.backing {
            backing.write(bytes, offset)?;
        }
        if self.slots.insert(number.0, slot).is_none() && self.free.pop().is_none() {
            self.len = self.len.saturating_add(1);
        }
        Ok(())
    }

    /// The page as it was put aside; `None` if it was not.
    pub(super) fn read(
        &self,
        number: PageNumber,
    ) -> Result<Option<Result<Page, PageError>>, Error> {
        let (Some(slot), Some(backing)) = (self.slots.get(&number.0), &self.backing) else {
            return Ok(None);
        };
        let mut bytes = vec![0; self.page_size.bytes()];
        backing.read(&mut bytes, self.offset(*slot))?;
        Ok(Some(Page::new(&bytes, number)))
    }

    /// The bytes as they were put aside, into `target`; whether there are any.
    pub(super) fn read_into(&self, number: PageNumber, target: &mut [u8]) -> Result<bool, Error> {
        match (self.slots.get(&number.0), &self.backing) {
            (Some(slot), Some(backing)) => {
                backing.read(target, self.offset(*slot))?;
                Ok(true)
            }
            _ => Ok(false),
        }
    }

    pub(super) fn forget(&mut self, number: PageNumber) {
        self.free.extend(self.slots.remove(&number.0));
    }

    pub(super) fn forget_beyond(&mut self, last: PageNumber) {
        let free = &mut self.free;
        self.slots.retain(|number, slot| {
            let keep = *number <= last.0;
            if !keep {
                free.push(*slot);
            }
            keep
        });
    }

    /// Numbers of the pages that are aside.
    pub(super) fn numbers(&self) -> impl Iterator<Item = u32> + '_ {
        self.slots.keys().copied()
    }

    /// Bytes that the file has.
    pub(super) fn file_len(&self) -> u64 {
        self.offset(self.len)
    }

    fn offset(&self, slot: u32) -> u64 {
        u64::from(slot) * u64::from(self.page_size.get())
    }
}

impl Backing {
    pub(crate) fn open(spill: &Spill) -> Result<Self, Error> {
        let Spill::File { storage, path } = spill else { return Ok(Self::Memory(Vec::new())) };
        let (file, path) = create(&**storage, path)?;
        let left_behind = match storage.remove_file(&path) {
            Ok(()) => None,
            Err(_) => Some((storage.clone(), path)),
        };
        Ok(Self::File { file, left_behind })
    }

    pub(crate) fn write(&mut self, bytes: &[u8], offset: u64) -> Result<(), Error> {
        match self {
            Self::File { file, .. } => Ok(file.write_all_at(bytes, offset)?),
            Self::Memory(content) => {
                let start = usize::try_from(offset).unwrap_or(usize::MAX);
                let end = start.saturating_add(bytes.len());
                if content.len() < end {
                    content.resize(end, 0);
                }
                if let Some(target) = content.get_mut(start..end) {
                    target.copy_from_slice(bytes);
                }
                Ok(())
            }
        }
    }

    pub(crate) fn read(&self, target: &mut [u8], offset: u64) -> Result<(), Error> {
        match self {
            Self::File { file, .. } => Ok(file.read_exact_at(target, offset)?),
            Self::Memory(content) => {
                let start = usize::try_from(offset).unwrap_or(usize::MAX);
                let end = start.saturating_add(target.len());
                if let Some(source) = content.get(start..end) {
                    target.copy_from_slice(source);
                }
                Ok(())
            }
        }
    }
}

impl Drop for Backing {
    fn drop(&mut self) {
        if let Self::File { left_behind: Some((storage, path)), .. } = self {
            // The system would not give the name up before; there is nobody to tell now.
            let _ = storage.remove_file(path);
        }
    }
}

/// Makes a file that was not there, under `path` or that name with a number.
fn create(storage: &dyn Storage, path: &Path) -> Result<(Arc<dyn File>, PathBuf), Error> {
    let mut tried = path.to_owned();
    for attempt in 1..=ATTEMPTS {
        match storage.open(&tried, OpenMode::CreateNew) {
            Err(e) if e.kind() == std::io::ErrorKind::AlreadyExists && attempt < ATTEMPTS => {}
            Err(e) => return Err(e.into()),
            Ok(file) => return Ok((file, tried)),
        }
        let mut name = path.as_os_str().to_owned();
        name.push(format!(".{attempt}"));
        tried = PathBuf::from(name);
    }
    Ok((storage.open(&tried, OpenMode::CreateNew)?, tried))
}

/// Names that are tried for the file: two recoveries may work in one folder.
const ATTEMPTS: u32 = 64;

/// Seals a page for the database file: all pages are written in the current family of checksums.
pub(crate) fn finish(bytes: &mut [u8], number: PageNumber) {
    if let Some(mut header) = PageHeader::parse(bytes)
        && bytes.iter().any(|byte| *byte != 0)
    {
        header.flags |= ese_format::page::PageFlags::NEW_CHECKSUM_FORMAT;
        header.write(bytes);
        seal(bytes, number);
    }
}
