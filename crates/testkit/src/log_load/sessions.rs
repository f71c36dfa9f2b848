//! Sessions with transactions, side by side.

use std::io;

use ese_format::DbTime;
use ese_format::log::diff;
use ese_format::log::record::{
    Change, DatabaseId, LogRecord, NodeChange, NodeImage, OperationFlags, PageRecord, SessionId,
    TransactionId, TransactionRecord, TransactionStep, TreeRef, UndoKind, VersionId,
};

use super::Load;
use super::instance::Instance;
use super::pages::{FREE_BYTES, GUEST_DATA, Guest, Pool};

/// How many sessions there are.
const SESSIONS: usize = 24;
/// Every so many transactions one is rolled back.
const ROLLED_BACK: u64 = 16;

/// A change that was made, as its undo needs it.
#[derive(Debug)]
struct Done {
    page: usize,
    version: VersionId,
    what: What,
}

#[derive(Debug)]
enum What {
    /// Data of a row.
    Replaced { row: usize, before: Vec<u8> },
    /// A guest came.
    Inserted,
    /// A number of a row was raised.
    Raised { row: usize, delta: i64 },
}

#[derive(Debug)]
struct Transaction {
    session: usize,
    begin: TransactionId,
    level: u8,
    steps: u64,
    must_commit: bool,
    done: Vec<Done>,
    /// Pages that it works on.
    pages: Vec<usize>,
}

impl Transaction {
    fn new(session: usize, begin: TransactionId, steps: u64) -> Self {
        let (done, pages) = (Vec::new(), Vec::new());
        Self { session, begin, level: 1, steps, must_commit: false, done, pages }
    }
}

/// All sessions and what they work on.
pub(super) struct Sessions {
    pool: Pool,
    dbtime: DbTime,
    open: Vec<Option<Transaction>>,
    transaction: u32,
    version: u32,
    random: u64,
    /// Pages with a guest that is gone.
    to_clean: Vec<usize>,
    load: Load,
}

impl Sessions {
    pub(super) fn new(pool: Pool, dbtime: DbTime) -> Self {
        let open = (0..SESSIONS).map(|_| None).collect();
        let load = Load::default();
        Self {
            pool,
            dbtime,
            open,
            transaction: 0,
            version: 1,
            random: 88,
            to_clean: Vec::new(),
            load,
        }
    }

    pub(super) fn load(&self) -> Load {
        self.load
    }

    pub(super) fn changed_pages(&self) -> u64 {
        self.pool.pages.iter().filter(|page| page.is_changed).count() as u64
    }

    /// One session does something.
    pub(super) fn step(&mut self, log: &mut Instance) -> io::Result<()> {
        let session = self.below(SESSIONS);
        let Some(mut transaction) = self.open[session].take() else {
            if self.to_clean.len() > 4 * SESSIONS {
                return self.clean(log, session);
            }
            let begun = self.begin(log, session)?;
            self.open[session] = Some(begun);
            return Ok(());
        };
        if transaction.steps == 0 {
            return self.end(log, transaction);
        }
        transaction.steps -= 1;
        self.change(log, &mut transaction)?;
        self.open[session] = Some(transaction);
        Ok(())
    }

    /// Ends all transactions but one, which has changed something.
    pub(super) fn leave_one_open(&mut self, log: &mut Instance) -> io::Result<()> {
        for session in 0..SESSIONS {
            if let Some(transaction) = self.open[session].take() {
                self.end(log, transaction)?;
            }
        }
        let mut transaction = self.begin(log, 0)?;
        for _ in 0..100 {
            self.change(log, &mut transaction)?;
        }
        Ok(())
    }

    fn below(&mut self, limit: usize) -> usize {
        self.random ^= self.random >> 12;
        self.random ^= self.random << 25;
        self.random ^= self.random >> 27;
        let drawn = self.random.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33;
        usize::try_from(drawn).unwrap() % limit
    }

    fn begin(&mut self, log: &mut Instance, session: usize) -> io::Result<Transaction> {
        self.transaction = self.transaction.wrapping_add(4);
        let begin = TransactionId(self.transaction);
        let nested = self.below(4) == 0;
        let step = TransactionStep::Begin0 { from: 0, levels: 1, begin, distributed: false };
        write_step(log, session, step)?;
        let steps = 2 + self.below(30) as u64;
        let mut transaction = Transaction::new(session, begin, steps);
        if nested {
            write_step(log, session, TransactionStep::Begin { from: 1, levels: 1 })?;
            transaction.level = 2;
        }
        Ok(transaction)
    }

    /// A page that no other transaction works on; most of the time one that this one has.
    fn page_for(&mut self, transaction: &mut Transaction, mut long: bool) -> usize {
        let session = transaction.session;
        if !transaction.pages.is_empty() && !long && self.below(3) > 0 {
            let index = self.below(transaction.pages.len());
            let page = transaction.pages[index];
            if !self.pool.pages[page].is_long_value {
                return page;
            }
        }
        loop {
            let (all, of_long_values) = (self.pool.pages.len(), self.pool.long_values.len());
            // There are few pages of long values: all of them may be taken.
            let page = match std::mem::take(&mut long) && of_long_values > 0 {
                true => {
                    let index = self.below(of_long_values);
                    self.pool.long_values[index]
                }
                false => self.below(all),
            };
            match self.pool.pages[page].owner {
                None => {
                    self.pool.pages[page].owner = Some(session);
                    transaction.pages.push(page);
                    return page;
                }
                Some(owner) if owner == session => return page,
                Some(_) => {}
            }
        }
    }

    fn change(&mut self, log: &mut Instance, transaction: &mut Transaction) -> io::Result<()> {
        let draw = self.below(100);
        let index = self.page_for(transaction, draw < 6);
        if self.pool.pages[index].is_long_value {
            return self.raise(log, transaction, index);
        }
        let row = self.below(self.pool.pages[index].rows.len());
        let page = &self.pool.pages[index];
        match draw {
            ..30 if page.has_room && page.guest.is_none() => {
                self.insert(log, transaction, (index, row))
            }
            30..36 => self.delete_and_insert(log, transaction, (index, row)),
            _ => self.replace(log, transaction, (index, row), draw.is_multiple_of(2)),
        }
    }

    fn insert(
        &mut self,
        log: &mut Instance,
        transaction: &mut Transaction,
        (index, row): (usize, usize),
    ) -> io::Result<()> {
        let (key, line) = self.pool.pages[index].place_behind(row);
        let data = self.noise();
        let node = NodeImage { key: &key, data: &data[..GUEST_DATA] };
        let change = NodeChange::Insert { node, prefix: 0 };
        let version = self.write_change(log, transaction, (index, line), change)?;
        self.pool.pages[index].guest = Some(Guest { key, line, is_gone: false });
        transaction.done.push(Done { page: index, version, what: What::Inserted });
        Ok(())
    }

    /// A row goes and comes again, with other data each second time.
    fn delete_and_insert(
        &mut self,
        log: &mut Instance,
        transaction: &mut Transaction,
        (index, row): (usize, usize),
    ) -> io::Result<()> {
        let line = self.pool.pages[index].line(row);
        self.write_change(log, transaction, (index, line), NodeChange::FlagDelete)?;
        let key = self.pool.pages[index].rows[row].key.clone();
        if self.below(2) == 0 {
            let data = self.pool.pages[index].rows[row].data.clone();
            let node = NodeImage { key: &key, data: &data };
            self.write_change(log, transaction, (index, line), NodeChange::FlagInsert(node))?;
        } else {
            let data = self.other_data(index, row);
            let node = NodeImage { key: &key, data: &data };
            let replace_version = self.next_version();
            let change = NodeChange::FlagInsertAndReplaceData { node, replace_version };
            self.write_change(log, transaction, (index, line), change)?;
            self.pool.pages[index].rows[row].data = data;
        }
        // Such a transaction is always committed: its undo is left to the sets of the engine.
        transaction.must_commit = true;
        Ok(())
    }

    fn replace(
        &mut self,
        log: &mut Instance,
        transaction: &mut Transaction,
        (index, row): (usize, usize),
        whole: bool,
    ) -> io::Result<()> {
        let before = self.pool.pages[index].rows[row].data.clone();
        let data = self.other_data(index, row);
        let len = u16::try_from(data.len()).unwrap();
        let line = self.pool.pages[index].line(row);
        let diff = if whole { None } else { diff::build(&before, &data, false) };
        let change = match &diff {
            None => NodeChange::Replace { data: &data, old_len: len },
            Some(diff) => NodeChange::ReplaceDiff { diff, wide: false, old_len: len, new_len: len },
        };
        let version = self.write_change(log, transaction, (index, line), change)?;
        self.pool.pages[index].rows[row].data = data;
        transaction.done.push(Done { page: index, version, what: What::Replaced { row, before } });
        Ok(())
    }

    fn raise(
        &mut self,
        log: &mut Instance,
        transaction: &mut Transaction,
        index: usize,
    ) -> io::Result<()> {
        let row = self.below(self.pool.pages[index].rows.len());
        let delta = 1 + i64::try_from(self.below(3)).unwrap();
        self.write_delta(log, transaction, (index, row), delta)
    }

    fn write_delta(
        &mut self,
        log: &mut Instance,
        transaction: &mut Transaction,
        (index, row): (usize, usize),
        delta: i64,
    ) -> io::Result<()> {
        let line = self.pool.pages[index].line(row);
        let key = self.pool.pages[index].rows[row].key.clone();
        let bookmark = NodeImage { key: &key, data: &[] };
        let change = NodeChange::Delta { bookmark, delta, offset: 0, wide: false };
        let version = self.write_change(log, transaction, (index, line), change)?;
        transaction.done.push(Done { page: index, version, what: What::Raised { row, delta } });
        Ok(())
    }

    /// Commits or rolls back.
    fn end(&mut self, log: &mut Instance, mut transaction: Transaction) -> io::Result<()> {
        let number = self.load.committed + self.load.rolled_back;
        if !transaction.must_commit && number % ROLLED_BACK == 1 {
            self.roll_back(log, &mut transaction)?;
            self.load.rolled_back += 1;
        } else {
            self.settle(log, &mut transaction)?;
            if transaction.level == 2 {
                write_step(log, transaction.session, TransactionStep::Commit { to: 1 })?;
            }
            self.transaction = self.transaction.wrapping_add(4);
            let commit = TransactionId(self.transaction);
            write_step(log, transaction.session, TransactionStep::Commit0 { to: 0, commit })?;
            self.load.committed += 1;
        }
        for page in transaction.pages {
            self.pool.pages[page].owner = None;
            if self.pool.pages[page].guest.as_ref().is_some_and(|guest| !guest.is_gone) {
                self.pool.pages[page].guest.as_mut().unwrap().is_gone = true;
                self.to_clean.push(page);
            }
        }
        Ok(())
    }

    /// Takes back what must not stay: guests go, numbers are lowered.
    fn settle(&mut self, log: &mut Instance, transaction: &mut Transaction) -> io::Result<()> {
        let done = std::mem::take(&mut transaction.done);
        for done in &done {
            match done.what {
                What::Inserted => {
                    let line = self.pool.pages[done.page].guest.as_ref().unwrap().line;
                    let change = NodeChange::FlagDelete;
                    self.write_change(log, transaction, (done.page, line), change)?;
                }
                What::Raised { row, delta } => {
                    self.write_delta(log, transaction, (done.page, row), -delta)?;
                }
                What::Replaced { .. } => {}
            }
        }
        Ok(())
    }

    fn roll_back(&mut self, log: &mut Instance, transaction: &mut Transaction) -> io::Result<()> {
        while let Some(done) = transaction.done.pop() {
            let page = &self.pool.pages[done.page];
            let (key, line) = match &done.what {
                What::Replaced { row, .. } | What::Raised { row, .. } => {
                    (page.rows[*row].key.clone(), page.line(*row))
                }
                What::Inserted => {
                    let guest = page.guest.as_ref().unwrap();
                    (guest.key.clone(), guest.line)
                }
            };
            let bookmark = NodeImage { key: &key, data: &[] };
            let undo = match done.what {
                What::Replaced { .. } => UndoKind::REPLACE,
                What::Inserted => UndoKind::INSERT,
                What::Raised { .. } => UndoKind::DELTA,
            };
            if let What::Replaced { row, before } = &done.what {
                let max_len = u16::try_from(before.len()).unwrap();
                let info = NodeChange::UndoInfo {
                    bookmark,
                    undo,
                    max_len,
                    growth: 0,
                    before_image: before,
                };
                self.write_undo(log, transaction, (done.page, line), done.version, info)?;
                self.pool.pages[done.page].rows[*row].data.clone_from(before);
            }
            let change = NodeChange::Undo { bookmark, undo, level: transaction.level };
            self.write_undo(log, transaction, (done.page, line), done.version, change)?;
        }
        write_step(
            log,
            transaction.session,
            TransactionStep::Rollback { levels: transaction.level },
        )
    }

    /// Removes rows that nobody needs any more.
    fn clean(&mut self, log: &mut Instance, session: usize) -> io::Result<()> {
        self.transaction = self.transaction.wrapping_add(4);
        let begin = TransactionId(self.transaction);
        let step = TransactionStep::Begin0 { from: 0, levels: 1, begin, distributed: false };
        write_step(log, session, step)?;
        let transaction = Transaction::new(session, begin, 0);
        let mut left = Vec::new();
        for index in std::mem::take(&mut self.to_clean) {
            if self.pool.pages[index].owner.is_some() {
                left.push(index);
                continue;
            }
            let line = self.pool.pages[index].guest.take().unwrap().line;
            let flags = OperationFlags::UNIQUE;
            let version = VersionId(0);
            self.write_page(
                log,
                &transaction,
                (index, line),
                (version, flags),
                NodeChange::Delete,
            )?;
        }
        self.to_clean = left;
        self.transaction = self.transaction.wrapping_add(4);
        let commit = TransactionId(self.transaction);
        self.load.committed += 1;
        write_step(log, session, TransactionStep::Commit0 { to: 0, commit })
    }

    fn next_version(&mut self) -> VersionId {
        self.version = self.version.wrapping_add(2);
        VersionId(self.version)
    }

    fn noise(&mut self) -> [u8; FREE_BYTES] {
        let mut noise = [0; FREE_BYTES];
        for piece in noise.chunks_exact_mut(8) {
            let word = (self.below(1 << 30) as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15);
            piece.copy_from_slice(&word.to_le_bytes());
        }
        noise
    }

    /// The data of a row with other bytes at their end.
    fn other_data(&mut self, index: usize, row: usize) -> Vec<u8> {
        let mut data = self.pool.pages[index].rows[row].data.clone();
        let (end, len) = (data.len(), 8 + self.below(FREE_BYTES - 8));
        data[end - len..].copy_from_slice(&self.noise()[..len]);
        data
    }

    fn write_change(
        &mut self,
        log: &mut Instance,
        transaction: &Transaction,
        (index, line): (usize, u16),
        change: NodeChange<'_>,
    ) -> io::Result<VersionId> {
        let version = self.next_version();
        let flags = OperationFlags::VERSIONED | OperationFlags::UNIQUE;
        self.write_page(log, transaction, (index, line), (version, flags), change)?;
        Ok(version)
    }

    fn write_undo(
        &mut self,
        log: &mut Instance,
        transaction: &Transaction,
        (index, line): (usize, u16),
        version: VersionId,
        change: NodeChange<'_>,
    ) -> io::Result<()> {
        let flags = OperationFlags::UNIQUE;
        self.write_page(log, transaction, (index, line), (version, flags), change)
    }

    fn write_page(
        &mut self,
        log: &mut Instance,
        transaction: &Transaction,
        (index, line): (usize, u16),
        (version, flags): (VersionId, OperationFlags),
        change: NodeChange<'_>,
    ) -> io::Result<()> {
        let page = &mut self.pool.pages[index];
        let (before, after) = match change {
            NodeChange::UndoInfo { .. } => (PageRecord::NO_TIME, PageRecord::NO_TIME),
            _ => {
                let before = page.dbtime;
                self.dbtime = DbTime(self.dbtime.0 + 1);
                page.dbtime = self.dbtime;
                page.is_changed = true;
                self.load.changes += 1;
                (before, self.dbtime)
            }
        };
        let tree = TreeRef { version, root: page.root, objid: page.objid };
        let record = PageRecord {
            session: session_id(transaction.session),
            database: DatabaseId(1),
            page: page.number,
            after,
            before,
            begin: transaction.begin,
            level: transaction.level,
            line,
            flags,
            change: Change::Node(tree, change),
        };
        log.write(&LogRecord::Page(record)).map(drop)
    }
}

fn session_id(session: usize) -> SessionId {
    SessionId(u16::try_from(session + 2).unwrap())
}

fn write_step(log: &mut Instance, session: usize, step: TransactionStep) -> io::Result<()> {
    let record = TransactionRecord { session: session_id(session), step };
    log.write(&LogRecord::Transaction(record)).map(drop)
}
