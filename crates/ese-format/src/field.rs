//! Tables of header fields: what a listing of a header goes through.

use core::fmt;

use crate::header::{BackupKind, DatabaseFlags, DatabaseState, FileType};
use crate::{BackupInfo, DbTime, LogGeneration, LogPosition, LogTime, PageNumber, Signature};

/// One field of the header structure `H`.
#[derive(Debug)]
pub struct Field<H> {
    /// Name in this project: that of the member of the structure.
    pub name: &'static str,
    /// Name in the engine's source.
    pub ese_name: &'static str,
    /// Offset in the block, in bytes.
    pub offset: usize,
    /// Size in bytes.
    pub size: usize,
    pub(crate) read: fn(&H) -> FieldValue,
}

impl<H> Field<H> {
    /// The field's value in `header`.
    pub fn value(&self, header: &H) -> FieldValue {
        (self.read)(header)
    }
}

/// The value of a field; `Display` prints it as its kind is printed everywhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum FieldValue {
    /// A number shown in decimal.
    Decimal(u64),
    /// A number shown in hexadecimal.
    Hex(u64),
    /// A clock value.
    DbTime(DbTime),
    /// A point in time.
    Time(LogTime),
    /// A place in the log.
    Position(LogPosition),
    /// A log generation.
    Generation(LogGeneration),
    /// A page number.
    Page(PageNumber),
    /// A signature.
    Signature(Signature),
    /// The marks of a backup.
    Backup(BackupInfo),
    /// How a backup was taken.
    BackupKind(BackupKind),
    /// The state of the database.
    State(DatabaseState),
    /// The flags.
    Flags(DatabaseFlags),
    /// What the file is.
    FileType(FileType),
}

impl fmt::Display for FieldValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Decimal(value) => value.fmt(f),
            Self::Hex(value) => write!(f, "{value:#x}"),
            Self::DbTime(value) => write!(f, "{:#x}", value.0),
            Self::Time(value) => value.fmt(f),
            Self::Position(value) => value.fmt(f),
            Self::Generation(value) => write!(f, "{:#x}", value.0),
            Self::Page(value) => value.fmt(f),
            Self::Signature(value) => value.fmt(f),
            Self::Backup(value) => value.fmt(f),
            Self::BackupKind(value) => value.fmt(f),
            Self::State(value) => value.fmt(f),
            Self::Flags(value) => value.fmt(f),
            Self::FileType(value) => value.fmt(f),
        }
    }
}

/// Makes a header structure, its reader and writer, and the table of its fields from one list:
/// `name: type = offset, "name in the engine", kind of value;`.
macro_rules! block_fields {
    ($(#[$struct_doc:meta])* $structure:ident;
        $($(#[$doc:meta])* $name:ident: $kind:ty = $offset:literal, $ese:literal, $show:ident;)*
    ) => {
        $(#[$struct_doc])*
        #[derive(Debug, Clone, PartialEq, Eq)]
        pub struct $structure {
            $($(#[$doc])* pub $name: $kind,)*
            block: alloc::vec::Vec<u8>,
        }

        impl $structure {
            fn read_fields(block: &[u8]) -> Self {
                Self {
                    $($name: $crate::le::Fixed::read(block, $offset),)*
                    block: block.to_vec(),
                }
            }

            fn write_fields(&self, block: &mut [u8]) {
                $($crate::le::Fixed::write(&self.$name, block, $offset);)*
            }
        }

        /// Every field in the order of the file.
        pub static FIELDS: &[$crate::field::Field<$structure>] = &[$($crate::field::Field {
            name: stringify!($name),
            ese_name: $ese,
            offset: $offset,
            size: <$kind as $crate::le::Fixed>::SIZE,
            #[allow(clippy::useless_conversion)]
            read: |header| $crate::field::FieldValue::$show(header.$name.into()),
        },)*];
    };
}

pub(crate) use block_fields;
