//! The logs of the corpus as chains: nothing is wrong with any of them.

use std::path::{Path, PathBuf};

use ese::check::Severity;
use ese::logs::chain::{self, LogProblem};
use ese::verify::Unheard;
use ese_format::log_name::{LogName, LogRole};

/// Folders with logs below `folder`, and the logs of each.
fn folders(folder: &Path, found: &mut Vec<Vec<PathBuf>>) {
    let mut logs = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().and_then(|name| LogName::parse(name.to_str()?));
        if path.is_dir() {
            folders(&path, found);
        } else if matches!(
            name.map(|name| name.role),
            Some(LogRole::Current | LogRole::Archived(..))
        ) {
            logs.push(path);
        }
    }
    if !logs.is_empty() {
        found.push(logs);
    }
}

#[test]
fn no_chain_of_the_corpus_has_a_finding() {
    let Some(corpus) = testkit::corpus() else { return };
    let mut all = Vec::new();
    folders(corpus.unpacked(), &mut all);
    let (mut files, mut records, mut warnings) = (0, 0, 0);
    for paths in &all {
        let reports = chain::check(&vfs::os::Os, paths, &Unheard).unwrap();
        for report in &reports {
            for finding in report.findings.iter().filter(|one| one.severity > Severity::Note) {
                // The clock of one machine was put back between two of its logs.
                let is_clock = matches!(finding.what, LogProblem::TimeBackwards { .. });
                assert!(is_clock, "{}: {}", report.path.display(), finding.what);
                warnings += 1;
            }
            files += 1;
            records += report.records();
        }
    }
    eprintln!("{} chains, {files} files, {records} records, {warnings} warnings", all.len());
    assert!(all.len() > 20 && files > 140 && records > 200_000, "{files} {records}");
    assert_eq!(warnings, 2);
}
