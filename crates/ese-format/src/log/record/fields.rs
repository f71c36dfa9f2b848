//! The fields of a record, one after the other, for those who show records without knowing them.
//!
//! Names and their order stay as they are: listings and JSON are made of them. `docs/log.md` has
//! the table.

mod page;

use super::value::{FlagNames, RecordText, RecordValue};
use super::{
    DatabaseAction, InstanceRecord, LogRecord, MacroRecord, NoteRecord, TransactionRecord,
    TransactionStep,
};
use crate::log::instance_parameters::InstanceParameters;

/// What is called for each field.
type Visit<'v> = &'v mut dyn FnMut(&'static str, RecordValue<'_>);

/// Flags of a created or attached database.
const DATABASE_FLAGS: FlagNames = &[(4, "version"), (8, "unicode"), (0x10, "sparse")];

/// Flags of a detached database.
const DETACH_FLAGS: FlagNames = &[(0x10, "unicode")];

/// Flags of a freed extent.
const FREED_FLAGS: FlagNames = &[(1, "table_root"), (2, "empty_tree")];

/// Flags of the source of a scan's check.
const SCAN_FLAGS: FlagNames = &[(0x80, "no_objid"), (0x40, "empty"), (0x20, "root_deleted")];

fn number(value: impl Into<u64>) -> RecordValue<'static> {
    RecordValue::Number(value.into())
}

fn hex(value: impl Into<u64>) -> RecordValue<'static> {
    RecordValue::Hex(value.into())
}

fn flags(bits: impl Into<u32>, names: FlagNames) -> RecordValue<'static> {
    RecordValue::Flags { bits: bits.into(), names }
}

fn text(bytes: &[u8], wide: bool) -> RecordValue<'_> {
    RecordValue::Text(RecordText { bytes, wide })
}

/// Bytes that are shown only where there are any.
fn rest(bytes: &[u8], visit: Visit<'_>) {
    if !bytes.is_empty() {
        visit("rest", RecordValue::Bytes(bytes));
    }
}

impl LogRecord<'_> {
    /// Calls `visit` with the name and the value of each field.
    pub fn fields(&self, visit: Visit<'_>) {
        match self {
            Self::Page(record) => page::record(record, visit),
            Self::Transaction(record) => transaction(record, visit),
            Self::Macro(MacroRecord { session, dbtime, .. }) => {
                visit("session", number(session.0));
                visit("dbtime", RecordValue::DbTime(*dbtime));
            }
            Self::Database(record) => {
                if let Some(session) = record.action.session() {
                    visit("session", number(session.0));
                }
                visit("database", number(record.database.0));
                database(&record.action, visit);
            }
            Self::Instance(record) => instance(record, visit),
            Self::Note(record) => {
                if let Some(session) = record.session() {
                    visit("session", number(session.0));
                }
                if let Some(database) = record.database() {
                    visit("database", number(database.0));
                }
                note(record, visit);
            }
        }
    }
}

fn transaction(record: &TransactionRecord, visit: Visit<'_>) {
    visit("session", number(record.session.0));
    match record.step {
        TransactionStep::Begin { from, levels } => {
            visit("from", number(from));
            visit("levels", number(levels));
        }
        TransactionStep::Begin0 { from, levels, begin, distributed: _ } => {
            visit("from", number(from));
            visit("levels", number(levels));
            visit("trx", hex(begin.0));
        }
        TransactionStep::Commit { to } => visit("to", number(to)),
        TransactionStep::Commit0 { to, commit } => {
            visit("to", number(to));
            visit("trx", hex(commit.0));
        }
        TransactionStep::Rollback { levels } => visit("levels", number(levels)),
        TransactionStep::Refresh { begin } => visit("trx", hex(begin.0)),
        TransactionStep::PrepareRollback => {}
    }
}

fn database(action: &DatabaseAction<'_>, visit: Visit<'_>) {
    match *action {
        DatabaseAction::Create { grbit, max_pages, signature, flags: bits, version, .. } => {
            visit("grbit", hex(grbit));
            visit("max_pages", number(max_pages));
            visit("signature", RecordValue::Signature(signature));
            visit("flags", flags(bits, DATABASE_FLAGS));
            if let Some((version, update)) = version {
                visit("format", number(version));
                visit("update", number(update));
            }
        }
        DatabaseAction::CreateFinish { .. } | DatabaseAction::SignalAttach => {}
        DatabaseAction::Attach {
            max_pages,
            consistent,
            signature,
            log_signature,
            flags: bits,
            ..
        } => {
            visit("max_pages", number(max_pages));
            visit("consistent", RecordValue::Position(consistent));
            visit("signature", RecordValue::Signature(signature));
            visit("log_signature", RecordValue::Signature(log_signature));
            visit("flags", flags(bits, DATABASE_FLAGS));
        }
        DatabaseAction::Detach { flags: bits, .. } => visit("flags", flags(bits, DETACH_FLAGS)),
        DatabaseAction::ReAttach { attach, consistent, signature, rest: more } => {
            visit("attach", RecordValue::Position(attach));
            visit("consistent", RecordValue::Position(consistent));
            visit("signature", RecordValue::Signature(signature));
            rest(more, visit);
        }
        DatabaseAction::SetVersion { major, update_major, update_minor } => {
            visit("major", number(major));
            visit("update_major", number(update_major));
            visit("update_minor", number(update_minor));
        }
        DatabaseAction::Extend { last, rest: more } => {
            visit("last_page", RecordValue::Page(last));
            rest(more, visit);
        }
        DatabaseAction::Shrink { last, pages, form: _, dbtime } => {
            visit("last_page", RecordValue::Page(last));
            visit("pages", number(pages));
            if let Some(dbtime) = dbtime {
                visit("dbtime", RecordValue::DbTime(dbtime));
            }
        }
        DatabaseAction::Trim { first, pages } => {
            visit("first_page", RecordValue::Page(first));
            visit("pages", number(pages));
        }
        DatabaseAction::RootMove { objid, after, .. } => {
            visit("objid", number(objid));
            visit("dbtime", RecordValue::DbTime(after));
        }
        DatabaseAction::NewPage { page, objid, after, .. } => {
            visit("page", RecordValue::Page(page));
            visit("objid", number(objid));
            visit("dbtime", RecordValue::DbTime(after));
        }
    }
    if let Some((wide, path)) = action.path() {
        visit("path", text(path, wide));
    }
}

fn instance(record: &InstanceRecord<'_>, visit: Visit<'_>) {
    let when = match *record {
        InstanceRecord::Init { parameters, time } => {
            if let Some(parameters) = InstanceParameters::parse(parameters) {
                visit("sessions", number(parameters.sessions));
                visit("circular", number(u8::from(parameters.is_circular())));
                visit("log_file_sectors", number(parameters.log_file_sectors));
                visit("system_path", text(parameters.system_path().as_bytes(), false));
                visit("log_path", text(parameters.log_path().as_bytes(), false));
            }
            time
        }
        InstanceRecord::Term { start, redo_from, hard, time } => {
            visit("start", RecordValue::Position(start));
            visit("redo_from", RecordValue::Position(redo_from));
            visit("hard", number(hard));
            time
        }
        InstanceRecord::RecoveryUndo { time } => time,
        InstanceRecord::RecoveryQuit { undo, redo_from, hard, time, keep_attachments: _ } => {
            visit("undo", RecordValue::Position(undo));
            visit("redo_from", RecordValue::Position(redo_from));
            visit("hard", number(hard));
            time
        }
        InstanceRecord::ShutDownMark => None,
    };
    if let Some(time) = when {
        visit("time", RecordValue::Time(time));
    }
}

fn note(record: &NoteRecord<'_>, visit: Visit<'_>) {
    match *record {
        NoteRecord::Nop | NoteRecord::ForceWrite { .. } => {}
        NoteRecord::Nop2(content)
        | NoteRecord::Ignored { content, .. }
        | NoteRecord::Checksum(content)
        | NoteRecord::Obsolete { content, .. } => visit("content", RecordValue::Bytes(content)),
        NoteRecord::Trace { text: words, .. } | NoteRecord::ForceRollover { text: words, .. } => {
            visit("text", text(words, false));
        }
        NoteRecord::JetOperation { operation, .. } => visit("operation", number(operation)),
        NoteRecord::MacroInfo { pages, rest: more, .. } => {
            visit("pages", RecordValue::Pages(pages));
            rest(more, visit);
        }
        NoteRecord::CommitContext { context, .. } => {
            visit("context", RecordValue::Bytes(context));
        }
        NoteRecord::FreeTree { root, commit, tree, rest: more, .. } => {
            visit("root", RecordValue::Page(root));
            visit("trx", hex(commit.0));
            visit("tree", number(tree));
            rest(more, visit);
        }
        NoteRecord::ExtentFreed { first, pages, flags: bits, dbtime, .. } => {
            visit("first_page", RecordValue::Page(first));
            visit("pages", number(pages));
            visit("flags", flags(bits, FREED_FLAGS));
            if let Some(dbtime) = dbtime {
                visit("dbtime", RecordValue::DbTime(dbtime));
            }
        }
        NoteRecord::PagePatchRequest { page, dbtime, reserved: _, .. } => {
            visit("page", RecordValue::Page(page));
            visit("dbtime", RecordValue::DbTime(dbtime));
        }
        NoteRecord::Backup { .. } | NoteRecord::OldBackup { .. } => backup(record, visit),
        NoteRecord::ExternalRestore { wide, paths } => visit("paths", text(paths, wide)),
        NoteRecord::ScanCheck {
            page,
            page_time,
            current,
            around,
            source,
            checksum,
            rest: more,
            ..
        } => {
            visit("page", RecordValue::Page(page));
            visit("page_dbtime", RecordValue::DbTime(page_time));
            visit("current_dbtime", RecordValue::DbTime(current));
            if let Some((before, after)) = around {
                visit("before", RecordValue::DbTime(before));
                visit("after", RecordValue::DbTime(after));
            }
            if let Some(source) = source {
                visit("source", number(source & 3));
                visit("flags", flags(source & !3, SCAN_FLAGS));
            }
            visit("checksum", hex(checksum));
            rest(more, visit);
        }
    }
}

fn backup(record: &NoteRecord<'_>, visit: Visit<'_>) {
    match *record {
        NoteRecord::Backup { phase, kind, scope, info, path, .. } => {
            let phase = match phase {
                1 => RecordValue::Word("begin"),
                2 => RecordValue::Word("prepare_logs"),
                3 => RecordValue::Word("truncate"),
                4 => RecordValue::Word("update_header"),
                5 => RecordValue::Word("abort"),
                6 => RecordValue::Word("stop"),
                other => number(other),
            };
            visit("phase", phase);
            visit("kind", number(kind));
            let scope = match scope {
                1 => RecordValue::Word("full"),
                2 => RecordValue::Word("incremental"),
                5 => RecordValue::Word("copy"),
                6 => RecordValue::Word("differential"),
                other => number(other),
            };
            visit("scope", scope);
            visit("marks", RecordValue::Backup(info));
            visit("path", text(path, true));
        }
        NoteRecord::OldBackup { step: (step, _), path, .. } => {
            visit("step", number(step));
            visit("path", text(path, false));
        }
        _ => {}
    }
}
