//! Which of the two header copies counts, and which page size the file has.
//!
//! Neither copy is trusted for the page size. For each legal size `s`: the block of `s` bytes at 0
//! is a good primary if its checksum holds over `s` bytes *and* its field says `s`; the block at
//! `s` is a good shadow likewise. A good primary wins; a good shadow that differs from it is a
//! torn update and counts as bad. Only a good shadow: it is used. Neither: the file cannot be
//! used. (A log's or a checkpoint's first block passes the same test, so the magic is checked
//! afterwards.)
//!
//! Source: ESE `ErrUtilReadSpecificShadowedHeader` (fileu.cxx).

use core::fmt;

use super::{DatabaseHeader, FileType, FormatVersion, MAGIC, checksum_holds};
use crate::PageSize;
use crate::checksum;
use crate::le::u32_at;

/// How many bytes of the beginning of a file hold both copies whatever the page size is.
pub const SHADOWED_LEN: usize = 2 * 0x8000;

/// Which of the two copies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HeaderCopy {
    /// The one in block 0.
    Primary,
    /// The one in block 1.
    Shadow,
}

impl fmt::Display for HeaderCopy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Primary => "primary",
            Self::Shadow => "shadow",
        })
    }
}

/// What is the matter with one copy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum CopyState {
    /// Checksum and page size hold.
    Good,
    /// The checksum does not hold.
    BadChecksum {
        /// As stored.
        stored: u32,
        /// As computed over one page.
        computed: u32,
    },
    /// The checksum holds, but the field names another page size.
    WrongPageSize {
        /// What the field says.
        field: u32,
    },
    /// Good by itself, but not the same as the good primary: an update was cut short.
    Differs,
    /// The file ends before it.
    Missing,
}

impl CopyState {
    /// Whether the copy is good.
    pub fn is_good(self) -> bool {
        self == Self::Good
    }
}

impl fmt::Display for CopyState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Good => f.write_str("good"),
            Self::BadChecksum { stored, computed } => {
                write!(f, "checksum is {stored:#010x}, expected {computed:#010x}")
            }
            Self::WrongPageSize { field } => write!(f, "names page size {field}"),
            Self::Differs => f.write_str("differs from the primary"),
            Self::Missing => f.write_str("missing"),
        }
    }
}

/// The header of a file, found by the rule for its two copies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShadowedHeader {
    /// The header that counts.
    pub header: DatabaseHeader,
    /// Page size of the database.
    pub page_size: PageSize,
    /// Which copy it came from.
    pub used: HeaderCopy,
    /// State of the copy in block 0.
    pub primary: CopyState,
    /// State of the copy in block 1.
    pub shadow: CopyState,
}

impl ShadowedHeader {
    /// Whether both copies are good and the same.
    pub fn both_good(&self) -> bool {
        self.primary.is_good() && self.shadow.is_good()
    }
}

/// A file without a usable database header.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HeaderError {
    /// Shorter than the smallest header.
    #[error("too short for a database: {len} bytes")]
    TooShort {
        /// Bytes there were.
        len: usize,
    },
    /// Neither copy is good, and the magic is not there.
    #[error("not an ESE database: no magic {MAGIC:#x} at offset 4 (found {found:#x})")]
    NotADatabase {
        /// What is there.
        found: u32,
    },
    /// A good header of another kind of ESE file.
    #[error("not a database but another ESE file: {file_type}")]
    OtherFile {
        /// What it is.
        file_type: FileType,
    },
    /// Neither copy is good, though the magic is there.
    #[error("both headers are damaged: primary: {primary}; shadow: {shadow}")]
    Damaged {
        /// State of the copy in block 0, taken at the page size that its field names.
        primary: CopyState,
        /// State of the copy in block 1, likewise.
        shadow: CopyState,
    },
    /// A format older than Windows 2000, or of the future.
    #[error("database format {version} is not known (expected 0x620)")]
    UnsupportedVersion {
        /// Its version.
        version: FormatVersion,
    },
}

/// Finds header and page size from the beginning of a file.
///
/// `beginning` is the first [`SHADOWED_LEN`] bytes, or the whole of a shorter file.
pub fn read_shadowed(beginning: &[u8]) -> Result<ShadowedHeader, HeaderError> {
    if beginning.len() < PageSize::ALL.map(PageSize::bytes).into_iter().min().unwrap_or(0) {
        return Err(HeaderError::TooShort { len: beginning.len() });
    }
    let with_good = |copy: HeaderCopy| {
        PageSize::ALL.into_iter().find(|&size| copy_state(beginning, copy, size).is_good())
    };
    let (used, page_size) = match with_good(HeaderCopy::Primary) {
        Some(size) => (HeaderCopy::Primary, size),
        None => match with_good(HeaderCopy::Shadow) {
            Some(size) => (HeaderCopy::Shadow, size),
            None => return Err(neither_good(beginning)),
        },
    };
    let header = block(beginning, used, page_size)
        .and_then(DatabaseHeader::parse)
        .ok_or(HeaderError::TooShort { len: beginning.len() })?;
    check_kind(&header)?;
    let primary = copy_state(beginning, HeaderCopy::Primary, page_size);
    let mut shadow = copy_state(beginning, HeaderCopy::Shadow, page_size);
    if primary.is_good()
        && shadow.is_good()
        && block(beginning, HeaderCopy::Primary, page_size)
            != block(beginning, HeaderCopy::Shadow, page_size)
    {
        shadow = CopyState::Differs;
    }
    Ok(ShadowedHeader { header, page_size, used, primary, shadow })
}

fn check_kind(header: &DatabaseHeader) -> Result<(), HeaderError> {
    if header.magic != MAGIC {
        return Err(match header.file_type {
            FileType::UNKNOWN | FileType::DATABASE => {
                HeaderError::NotADatabase { found: header.magic }
            }
            file_type => HeaderError::OtherFile { file_type },
        });
    }
    match header.file_type {
        FileType::UNKNOWN | FileType::DATABASE | FileType::TEMPORARY_DATABASE => {}
        file_type => return Err(HeaderError::OtherFile { file_type }),
    }
    if header.version != FormatVersion::CURRENT_MAJOR {
        return Err(HeaderError::UnsupportedVersion { version: header.format_version() });
    }
    Ok(())
}

fn neither_good(beginning: &[u8]) -> HeaderError {
    let magic = u32_at(beginning, 4);
    let field = u32_at(beginning, 236);
    // The field of a damaged header is a guess, good enough to say what is damaged.
    let size = PageSize::from_header_field(field).unwrap_or(PageSize::KIB_4);
    let shadow_magic = u32_at(beginning, size.bytes() + 4);
    if magic != MAGIC && shadow_magic != MAGIC {
        return HeaderError::NotADatabase { found: magic };
    }
    HeaderError::Damaged {
        primary: copy_state(beginning, HeaderCopy::Primary, size),
        shadow: copy_state(beginning, HeaderCopy::Shadow, size),
    }
}

fn block(beginning: &[u8], copy: HeaderCopy, size: PageSize) -> Option<&[u8]> {
    let at = match copy {
        HeaderCopy::Primary => 0,
        HeaderCopy::Shadow => size.bytes(),
    };
    beginning.get(at..at + size.bytes())
}

fn copy_state(beginning: &[u8], copy: HeaderCopy, size: PageSize) -> CopyState {
    let Some(block) = block(beginning, copy, size) else {
        return CopyState::Missing;
    };
    if !checksum_holds(block) {
        return CopyState::BadChecksum {
            stored: u32_at(block, 0),
            computed: checksum::xor32(block),
        };
    }
    let field = u32_at(block, 236);
    if PageSize::from_header_field(field) == Some(size) {
        CopyState::Good
    } else {
        CopyState::WrongPageSize { field }
    }
}

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;

    use super::super::DatabaseState;
    use super::*;

    fn header(size: PageSize) -> DatabaseHeader {
        let mut header = DatabaseHeader::parse(&alloc::vec![0; size.bytes()]).unwrap();
        header.magic = MAGIC;
        header.version = FormatVersion::CURRENT_MAJOR;
        header.page_size_field = size.get();
        header.file_type = FileType::DATABASE;
        header.state = DatabaseState::CLEAN_SHUTDOWN;
        header.last_objid = 77;
        header
    }

    fn file(size: PageSize) -> Vec<u8> {
        let block = header(size).to_sealed_block();
        let mut file = block.clone();
        file.extend_from_slice(&block);
        file.resize(SHADOWED_LEN.max(file.len()), 0xAA);
        file
    }

    #[test]
    fn every_page_size_is_found() {
        for size in PageSize::ALL {
            let found = read_shadowed(&file(size)).unwrap();
            assert_eq!(found.page_size, size);
            assert!(found.both_good());
            assert_eq!(found.used, HeaderCopy::Primary);
        }
    }

    #[test]
    fn shadow_is_used_when_the_primary_is_damaged() {
        for size in PageSize::ALL {
            let mut bytes = file(size);
            bytes[236] ^= 0x10;
            bytes[300] ^= 1;
            let found = read_shadowed(&bytes).unwrap();
            assert_eq!((found.used, found.page_size), (HeaderCopy::Shadow, size));
            assert_eq!(found.header.last_objid, 77);
            assert!(matches!(found.primary, CopyState::BadChecksum { .. }));
        }
    }

    #[test]
    fn primary_is_used_when_the_shadow_is_damaged_or_cut_off() {
        let mut bytes = file(PageSize::KIB_8);
        bytes[8192 + 5] ^= 1;
        let found = read_shadowed(&bytes).unwrap();
        assert_eq!(found.used, HeaderCopy::Primary);
        assert!(matches!(found.shadow, CopyState::BadChecksum { .. }));
        let found = read_shadowed(&bytes[..8192]).unwrap();
        assert_eq!(found.shadow, CopyState::Missing);
    }

    #[test]
    fn good_but_different_shadow_is_a_torn_update() {
        let mut bytes = file(PageSize::KIB_4);
        let mut newer = header(PageSize::KIB_4);
        newer.last_objid = 78;
        bytes[..4096].copy_from_slice(&newer.to_sealed_block());
        let found = read_shadowed(&bytes).unwrap();
        assert_eq!(found.header.last_objid, 78);
        assert_eq!((found.primary, found.shadow), (CopyState::Good, CopyState::Differs));
    }

    #[test]
    fn both_damaged_is_an_error_that_names_both() {
        let mut bytes = file(PageSize::KIB_8);
        bytes[100] ^= 1;
        bytes[8192 + 100] ^= 1;
        let error = read_shadowed(&bytes).unwrap_err();
        assert!(matches!(
            error,
            HeaderError::Damaged {
                primary: CopyState::BadChecksum { .. },
                shadow: CopyState::BadChecksum { .. }
            }
        ));
    }

    #[test]
    fn log_is_not_taken_for_a_database() {
        let mut log = header(PageSize::KIB_4);
        log.magic = 5;
        log.file_type = FileType::LOG;
        let mut bytes = log.to_sealed_block();
        bytes.resize(SHADOWED_LEN, 0);
        assert_eq!(read_shadowed(&bytes), Err(HeaderError::OtherFile { file_type: FileType::LOG }));
    }

    #[test]
    fn anything_else_is_no_database() {
        assert_eq!(read_shadowed(b"x"), Err(HeaderError::TooShort { len: 1 }));
        assert!(matches!(read_shadowed(&[0; 70_000]), Err(HeaderError::NotADatabase { .. })));
        assert!(matches!(read_shadowed(&[7; 2048]), Err(HeaderError::NotADatabase { .. })));
    }

    #[test]
    fn older_format_is_refused() {
        let mut old = header(PageSize::KIB_4);
        old.version = 0x550;
        let mut bytes = old.to_sealed_block();
        bytes.resize(SHADOWED_LEN, 0);
        assert!(matches!(read_shadowed(&bytes), Err(HeaderError::UnsupportedVersion { .. })));
    }
}
