//! Reading long values, chunk by chunk.
//!
//! The chunks of a value follow its root in the table's long-value tree, each under its offset. A
//! chunk that is shorter than the distance to the next one (or to the value's end) is compressed.
//! Nothing is taken from the declared size but where the value must end, so a reader never holds
//! more than it has read.
//!
//! Source: ESE `lv.cxx`, [`ese_format::long_value`].

use ese_format::compression::{CompressionError, decompress};
use ese_format::long_value::{Lid, LvKey, LvRoot};

use crate::pages::PageRef;
use crate::{Cursor, Error, Tree};

/// Why a long value cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LongValueError {
    /// The table has no tree of long values.
    #[error("its table has no tree of long values")]
    NoTree,
    /// The tree does not have it.
    #[error("it is missing")]
    Missing,
    /// Its root is not sound.
    #[error("its root has {len} bytes, expected 8 or 9")]
    Root {
        /// Length of the root's data.
        len: usize,
    },
    /// It is encrypted with a key that the application keeps.
    #[error("it is encrypted")]
    Encrypted,
    /// A chunk does not follow the one before.
    #[error("a chunk lies at {found}, expected one at {expected}")]
    Gap {
        /// Where the next chunk must begin, in bytes.
        expected: u32,
        /// Where it begins.
        found: u32,
    },
    /// A chunk cannot be decompressed.
    #[error("the chunk at {offset} cannot be decompressed: {source}")]
    Compression {
        /// Offset of the chunk in bytes.
        offset: u32,
        /// What is wrong.
        source: CompressionError,
    },
    /// A chunk has not as many bytes as it must have.
    #[error("the chunk at {offset} has {found} bytes, expected {expected}")]
    ChunkLen {
        /// Offset of the chunk in bytes.
        offset: u32,
        /// Bytes that it must have.
        expected: u32,
        /// Bytes that it has.
        found: usize,
    },
    /// The last chunk ends before the value does.
    #[error("{found} of {size} bytes are stored")]
    Incomplete {
        /// Length by the root.
        size: u32,
        /// Where the last chunk ends.
        found: u32,
    },
}

/// A long value, read from its beginning to its end.
///
/// ```no_run
/// # use std::error::Error;
/// # use std::io::Write;
/// # fn copy(mut value: ese::LongValue, mut to: impl Write) -> Result<(), Box<dyn Error>> {
/// let mut chunk = Vec::new();
/// while value.next_chunk(&mut chunk)? {
///     to.write_all(&chunk)?;
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct LongValue {
    cursor: Cursor,
    lid: Lid,
    root: LvRoot,
    /// Where the next chunk must begin.
    at: u32,
    /// Leaf, line and offset of the next chunk.
    next: Option<(PageRef, usize, u32)>,
}

impl LongValue {
    /// Opens the value `lid` of a long-value tree.
    ///
    /// # Errors
    ///
    /// [`Error::LongValue`] if the tree does not have it, or it is encrypted; a page that cannot
    /// be read.
    pub fn open(tree: &Tree, lid: Lid) -> Result<Self, Error> {
        let mut cursor = tree.cursor();
        if !cursor.seek_exact(&lid.root_key())? {
            return Err(error(tree, lid, LongValueError::Missing));
        }
        let data = cursor.node()?.data;
        let root = LvRoot::parse(data)
            .ok_or_else(|| error(tree, lid, LongValueError::Root { len: data.len() }))?;
        if root.is_encrypted() {
            return Err(error(tree, lid, LongValueError::Encrypted));
        }
        let mut value = Self { cursor, lid, root, at: 0, next: None };
        value.next = value.find_chunk()?;
        Ok(value)
    }

    /// Its id.
    pub fn lid(&self) -> Lid {
        self.lid
    }

    /// What its root says: length, number of references.
    pub fn root(&self) -> LvRoot {
        self.root
    }

    /// Length in bytes by its root. A reader learns only from the chunks whether it is true.
    pub fn len(&self) -> u32 {
        self.root.size
    }

    /// Whether it has no bytes.
    pub fn is_empty(&self) -> bool {
        self.root.size == 0
    }

    /// Puts the next chunk, decompressed, in place of what `chunk` holds; false at the end, and
    /// `chunk` is then empty.
    ///
    /// # Errors
    ///
    /// [`Error::LongValue`] if the chunk does not follow the last one, cannot be decompressed, or
    /// if the value ends too early.
    pub fn next_chunk(&mut self, chunk: &mut Vec<u8>) -> Result<bool, Error> {
        chunk.clear();
        self.append_chunk(chunk)
    }

    /// Appends the whole rest to `out`.
    ///
    /// # Errors
    ///
    /// As [`LongValue::next_chunk`]; `out` then holds what was read before.
    pub fn read_to_end(&mut self, out: &mut Vec<u8>) -> Result<(), Error> {
        while self.append_chunk(out)? {}
        Ok(())
    }

    fn append_chunk(&mut self, out: &mut Vec<u8>) -> Result<bool, Error> {
        let size = self.root.size;
        let Some((leaf, line, offset)) = self.next.take() else {
            if self.at == size {
                return Ok(false);
            }
            return Err(self.error(LongValueError::Incomplete { size, found: self.at }));
        };
        if offset != self.at {
            return Err(self.error(LongValueError::Gap { expected: self.at, found: offset }));
        }
        let next = self.find_chunk()?;
        let end = next.as_ref().map_or(size, |(_, _, offset)| *offset);
        let expected = end.saturating_sub(offset);
        let before = out.len();
        let data = self.cursor.tree().node(&leaf, line)?.data;
        if data.len() == expected as usize {
            out.extend_from_slice(data);
        } else {
            decompress(data, out)
                .map_err(|source| self.error(LongValueError::Compression { offset, source }))?;
        }
        let found = out.len() - before;
        if found != expected as usize {
            out.truncate(before);
            return Err(self.error(LongValueError::ChunkLen { offset, expected, found }));
        }
        (self.at, self.next) = (end, next);
        Ok(true)
    }

    /// Moves to the next chunk of this value.
    fn find_chunk(&mut self) -> Result<Option<(PageRef, usize, u32)>, Error> {
        if !self.cursor.move_next()? {
            return Ok(None);
        }
        let key = self.cursor.node()?.key();
        match LvKey::parse(&key) {
            Some(LvKey::Chunk(lid, offset)) if lid == self.lid => {
                Ok(self.cursor.leaf().map(|(leaf, line)| (leaf.clone(), line, offset)))
            }
            _ => Ok(None),
        }
    }

    fn error(&self, what: LongValueError) -> Error {
        error(self.cursor.tree(), self.lid, what)
    }
}

pub(crate) fn error(tree: &Tree, lid: Lid, what: LongValueError) -> Error {
    Error::LongValue { path: tree.pages().path().to_owned(), objid: tree.objid(), lid, what }
}
