//! The header of a database that the log creates.
//!
//! | field | at its creation |
//! |---|---|
//! | version | 0x620, update 20; a later record raises it |
//! | signature, number | those of the record |
//! | page size | that of the log |
//! | dbtime | 64 |
//! | attach | at the record |
//! | sort version | all ones: the table of locales decides |
//!
//! Source: ESE `ErrDBCreateDatabase`, `DBISetHeaderAfterCreate` (db.cxx).

use ese_format::DbTime;
use ese_format::header::{DatabaseHeader, DatabaseState, FileType, MAGIC};
use ese_format::log::record::{DatabaseAction, DatabaseRecord};

use super::Here;

/// The header at the creation; none if the content is not in the log.
pub(super) fn created_header(
    here: Here<'_>,
    record: &DatabaseRecord<'_>,
) -> Option<DatabaseHeader> {
    let DatabaseAction::Create { signature, version, .. } = record.action else { return None };
    version.filter(|(major, update)| *major == LOGGED && *update == 0)?;
    let size = here.log.page_size()?;
    let mut header = DatabaseHeader::parse(&vec![0; size.bytes()])?;
    header.magic = MAGIC;
    header.version = FORMAT;
    header.update_major = UPDATE;
    (header.create_version, header.create_update) = (FORMAT, UPDATE);
    header.page_size_field = size.get();
    header.signature = signature;
    header.log_signature = here.log.signature;
    header.dbid = u32::from(record.database.0);
    header.dbtime = FIRST_DBTIME;
    header.state = DatabaseState::JUST_CREATED;
    header.attach_position = here.position;
    header.attach_time = here.log.created;
    header.sort_version = u64::MAX;
    header.file_type = FileType::DATABASE;
    Some(header)
}

/// The version of a creation whose content is logged.
const LOGGED: u16 = 2;

/// The format that a database is created with.
const FORMAT: u32 = 0x620;

/// Its update.
const UPDATE: u32 = 20;

/// The dbtime that a database begins with.
const FIRST_DBTIME: DbTime = DbTime(0x40);
