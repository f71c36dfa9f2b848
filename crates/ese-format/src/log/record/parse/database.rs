//! Reading the records of the life of a database.
//!
//! Source: ESE `LRCREATEDB`, `LRATTACHDB`, `LRDETACHCOMMON`, `LRREATTACHDB`, `LREXTENDDB`,
//! `LRSHRINKDB` and the others of that kind (logapi.hxx).

use super::Input;
use crate::log::record::{DatabaseAction, DatabaseId, DatabaseRecord, RecordError, RecordKind};

pub(super) fn record(input: Input<'_>) -> Result<DatabaseRecord<'_>, RecordError> {
    let session = input.get(1);
    let (at, action) = match input.kind {
        RecordKind::CREATE_DB => (3, create(input)),
        RecordKind::CREATE_DB_FINISH => (3, DatabaseAction::CreateFinish { session }),
        RecordKind::ATTACH_DB => {
            let action = DatabaseAction::Attach {
                session,
                max_pages: input.get(4),
                consistent: input.get(8),
                signature: input.get(16),
                log_signature: input.get(44),
                flags: input.get(74),
                path: input.from(75),
            };
            (3, action)
        }
        RecordKind::DETACH_DB => {
            (3, DatabaseAction::Detach { session, flags: input.get(6), path: input.from(7) })
        }
        RecordKind::RE_ATTACH => {
            input.need(50)?;
            let action = DatabaseAction::ReAttach {
                attach: input.get(6),
                consistent: input.get(14),
                signature: input.get(22),
                rest: input.from(50),
            };
            (5, action)
        }
        RecordKind::EXTEND_DB => {
            input.need(10)?;
            (5, DatabaseAction::Extend { last: input.get(6), rest: input.from(10) })
        }
        RecordKind::SIGNAL_ATTACH_DB => (1, DatabaseAction::SignalAttach),
        RecordKind::SET_DB_VERSION => {
            let action = DatabaseAction::SetVersion {
                major: input.get(2),
                update_major: input.get(6),
                update_minor: input.get(10),
            };
            (1, action)
        }
        RecordKind::TRIM_DB => {
            (1, DatabaseAction::Trim { first: input.get(2), pages: input.get(6) })
        }
        RecordKind::ROOT_PAGE_MOVE => {
            let action = DatabaseAction::RootMove {
                session: input.get(14),
                objid: input.get(10),
                after: input.get(1),
            };
            (9, action)
        }
        RecordKind::NEW_PAGE => {
            let action = DatabaseAction::NewPage {
                session,
                page: input.get(4),
                objid: input.get(8),
                after: input.get(12),
            };
            (3, action)
        }
        _ => (1, shrink(input)),
    };
    Ok(DatabaseRecord { database: input.get::<DatabaseId>(at), action })
}

fn create(input: Input<'_>) -> DatabaseAction<'_> {
    let flags: u8 = input.get(42);
    let version = (flags & DatabaseAction::CREATE_VERSION != 0).then(|| {
        let (version, update) = (input.get(43), input.get(45));
        (version, update)
    });
    DatabaseAction::Create {
        session: input.get(1),
        grbit: input.get(4),
        max_pages: input.get(8),
        signature: input.get(12),
        flags,
        version,
        path: input.from(if version.is_some() { 47 } else { 43 }),
    }
}

fn shrink(input: Input<'_>) -> DatabaseAction<'_> {
    let form = match input.kind {
        RecordKind::SHRINK_DB => 1,
        RecordKind::SHRINK_DB2 => 2,
        _ => 3,
    };
    DatabaseAction::Shrink {
        last: input.get(2),
        pages: input.get(6),
        form,
        dbtime: (form == 3).then(|| input.get(10)),
    }
}
