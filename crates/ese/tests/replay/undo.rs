//! What the undo logs, against the engine's listing of its own.

use std::cell::RefCell;
use std::path::Path;

use ese::recovery::tail::UndoLog;
use ese_format::LogPosition;
use ese_format::log::record::LogRecord;

use crate::Set;
use crate::engine_line::engine_line;

/// Keeps the lines that the engine prints for what is logged.
#[derive(Default)]
struct Lines(RefCell<Vec<String>>);

impl UndoLog for Lines {
    fn append(&mut self, record: &LogRecord<'_>) -> Result<LogPosition, ese::Error> {
        self.0.borrow_mut().push(engine_line(record));
        Ok(LogPosition::UNSET)
    }
}

#[test]
fn undo_logs_what_the_engine_logs() {
    let Some(corpus) = testkit::corpus() else { return };
    for set in ["8k_a", "8k_b", "8k_c", "8k_d", "8k_e", "8k_f", "8k_new", "4k_a", "32k_a"] {
        let folder = corpus.unpacked().join(format!("crash_{set}"));
        let files = folder.join("files");
        let ours = {
            let set = Set::of(&files, Some(files.join("test.edb")), 0);
            let mut log = Lines::default();
            set.recover_into(64 << 20, &mut log);
            log.0.into_inner()
        };
        let theirs = listed(&folder.join("records_after_recovery.txt"));
        for (ours, theirs) in ours.iter().zip(&theirs) {
            assert_eq!(without_page(ours), without_page(theirs), "{set}");
        }
        assert_eq!(ours.len(), theirs.len(), "{set}");
    }
}

/// An UndoInfo names a page where its before-image was kept. After a split that is one of two
/// pages, whichever of them had to be written; it says nothing to a replay.
fn without_page(line: &str) -> String {
    match (line.starts_with("UndoInfo"), line.find(",["), line.find("],")) {
        (true, Some(from), Some(to)) => format!("{}{}", &line[..from], &line[to..]),
        _ => line.to_owned(),
    }
}

/// The lines between the begin of the undo and the mark of the intended end.
fn listed(path: &Path) -> Vec<String> {
    let text = std::fs::read_to_string(path).unwrap();
    let mut lines = text.lines().filter(|line| line.starts_with('>')).map(|line| &line[20..]);
    assert!(lines.by_ref().any(|line| line.starts_with("RcvUndo")));
    let undone = lines.take_while(|line| !line.starts_with("ShutDown"));
    undone.map(|line| line.split("<Data>").next().unwrap().trim_end().to_owned()).collect()
}
