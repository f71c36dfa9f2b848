//! A database and a long chain of logs that was written over it.
//!
//! The database is one of [`big`](crate::big), as it was when the instance attached it: every
//! change of the logs is still to be replayed. The logs hold what a busy instance writes on pages
//! of the table and of its long values, in many sessions at once:
//!
//! | what | what becomes of it |
//! |---|---|
//! | data of a row replaced, as a whole or by a difference | bytes of a column that no index has |
//! | row inserted, and deleted in the same transaction | removed by a later transaction |
//! | row deleted and inserted again, with the same or other data | the row |
//! | reference of a long value raised and lowered | as it was |
//! | nested transactions, rollbacks | undone by records of the instance itself |
//! | one transaction left open at the end | undone by the recovery |
//!
//! Whatever transaction the logs are cut after, the database is consistent through and through.
//! Splits and merges are not made: the sets of the real engine have them.

use std::fs;
use std::io;
use std::path::Path;

use ese_format::header::{DatabaseHeader, DatabaseState, read_shadowed};
use ese_format::log_header::LogHeader;
use ese_format::{LogGeneration, LogPosition, LogTime, PageNumber, PageSize, Signature};

mod instance;
mod pages;
mod sessions;

use instance::{Instance, Stream};
use pages::Pool;
use sessions::Sessions;

/// What is to be made.
#[derive(Debug, Clone, Copy)]
pub struct Wanted {
    /// Bytes of the database, about.
    pub database: u64,
    /// Bytes of all logs, about.
    pub log: u64,
    /// Sectors of a log file.
    pub file_sectors: u16,
    /// Most pages that are changed.
    pub pages: usize,
}

/// What was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Load {
    /// Bytes of the database.
    pub database: u64,
    /// Log files.
    pub generations: u32,
    /// Bytes of them.
    pub log: u64,
    /// Records in them.
    pub records: u64,
    /// Records that change a page.
    pub changes: u64,
    /// Transactions that were committed.
    pub committed: u64,
    /// Transactions that were rolled back.
    pub rolled_back: u64,
    /// Pages that were changed.
    pub pages: u64,
}

/// The database's name.
pub const DATABASE: &str = "load.edb";

/// Writes the database, its logs and its checkpoint into `folder`.
///
/// # Errors
///
/// That they cannot be written.
pub fn write(folder: &Path, wanted: &Wanted) -> io::Result<Load> {
    let path = folder.join(DATABASE);
    let big = crate::big::write(&path, "clean_8k", wanted.database)?;
    let mut file = fs::OpenOptions::new().read(true).write(true).open(&path)?;
    let before = header(&path)?;
    let objids = crate::big::objids("clean_8k");
    let pool = Pool::read(&mut file, PageSize::KIB_8, objids, wanted.pages)?;
    let stream = Stream {
        signature: Signature { random: 0x10AD, created: instance::time(0), computer: [0; 16] },
        database: before.signature,
        former: before.log_signature,
        last_objid: before.last_objid,
    };
    let mut instance = Instance::start(folder, &log_header(wanted, stream.signature), stream)?;
    let attach = instance.attach(before.dbtime)?;
    let mut sessions = Sessions::new(pool, before.dbtime);
    while instance.bytes_so_far() < wanted.log {
        sessions.step(&mut instance)?;
    }
    sessions.leave_one_open(&mut instance)?;
    let mut load = sessions.load();
    load.pages = sessions.changed_pages();
    let last = instance.finish(&mut load)?;
    load.database = big.bytes;
    put_header(&mut file, &dirty(&before, stream.signature, attach, last))?;
    fs::write(folder.join("edb.chk"), instance::checkpoint(&stream.signature))?;
    Ok(load)
}

fn log_header(wanted: &Wanted, signature: Signature) -> LogHeader {
    let mut header = LogHeader::blank();
    header.generation = LogGeneration(1);
    header.sector_size = 4096;
    header.header_sectors = 1;
    header.file_sectors = wanted.file_sectors;
    header.page_size_field = 8192;
    header.created = instance::time(0);
    (header.major, header.minor, header.update_major, header.update_minor) = (8, 4000, 5, 16);
    header.signature = signature;
    header.file_type = ese_format::header::FileType::LOG;
    header
}

fn header(path: &Path) -> io::Result<DatabaseHeader> {
    use std::io::Read as _;
    let mut beginning = vec![0; 1 << 16];
    fs::File::open(path)?.read_exact(&mut beginning)?;
    Ok(read_shadowed(&beginning).unwrap().header)
}

/// The header of the database while the instance runs.
fn dirty(
    before: &DatabaseHeader,
    signature: Signature,
    attach: LogPosition,
    (last, time): (LogGeneration, LogTime),
) -> DatabaseHeader {
    let mut header = before.clone();
    header.state = DatabaseState::DIRTY_SHUTDOWN;
    header.dbid = 1;
    header.log_signature = signature;
    header.attach_position = attach;
    header.attach_time = instance::time(0);
    (header.consistent_position, header.detach_position) = (LogPosition::UNSET, LogPosition::UNSET);
    (header.min_required, header.max_required) = (LogGeneration(1), last);
    header.max_committed = last;
    (header.max_required_time, header.max_committed_time) = (time, time);
    header
}

fn put_header(file: &mut fs::File, header: &DatabaseHeader) -> io::Result<()> {
    use std::io::{Seek as _, SeekFrom, Write as _};
    let block = header.to_sealed_block();
    for copy in 0..PageNumber::RESERVED_BLOCKS {
        file.seek(SeekFrom::Start(copy * 8192))?;
        file.write_all(&block)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
