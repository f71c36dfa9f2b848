//! The listings of Microsoft's engine, line by line.

use std::collections::BTreeMap;
use std::path::Path;

use ese_format::log::instance_parameters::InstanceParameters;
use ese_format::log::record::{Change, InstanceRecord, LogRecord, NodeChange, PageRecord};

use crate::engine_line::engine_line;
use crate::walk;

/// The sections of a listing: name of the log and its lines. Of the lines those that begin with
/// `>`, and those of the parameters of the instance.
fn sections(listing: &str) -> Vec<(String, Vec<String>)> {
    let mut sections: Vec<(String, Vec<String>)> = Vec::new();
    for line in listing.lines() {
        let name = line.strip_prefix("##### ").or(line.strip_prefix("=== "));
        if let Some(name) = name {
            let name = name.split(' ').next().unwrap();
            sections.push((name.to_owned(), Vec::new()));
        } else if let Some((_, lines)) = sections.last_mut() {
            let parameters = line.starts_with("      Env ") || line.starts_with(PARAMETERS);
            // The parameters in the header of a log come before its records.
            if line.starts_with('>') || parameters && !lines.is_empty() {
                lines.push(line.trim_end().to_owned());
            }
        }
    }
    sections
}

/// Beginning of the line with the numbers among the parameters of an instance.
const PARAMETERS: &str = "          (    ";

/// The lines of our reading of a log; counts the records by their types.
fn lines(file: &Path, counts: &mut BTreeMap<String, usize>) -> Vec<String> {
    let mut lines = Vec::new();
    let (header, records) = walk::records(&std::fs::read(file).unwrap());
    let large = header.page_size().unwrap().is_large();
    for (position, bytes) in records {
        let record = walk::parse(&bytes);
        if let LogRecord::Page(PageRecord { change, .. }) = &record
            && let Change::Node(_, NodeChange::ReplaceDiff { wide, .. }) = change
        {
            assert_eq!(*wide, large, "{}: form of a difference", file.display());
        }
        *counts.entry(record.kind().to_string()).or_default() += 1;
        let (generation, sector) = (position.generation.0, position.sector);
        let line = engine_line(&record);
        let place = format!(">{generation:08X},{sector:04X},{:04X}", position.byte);
        lines.push(format!("{place} {line}").trim_end().to_owned());
        if let LogRecord::Instance(InstanceRecord::Init { parameters, .. }) = record {
            let text = InstanceParameters::parse(parameters).unwrap().to_string();
            lines.extend(text.lines().map(|line| format!("      {line}")));
        }
    }
    lines
}

/// Compares; data are not part of a line. A log without records has a line that says so.
fn compare(set: &str, log: &str, ours: &[String], theirs: &[String]) {
    if let ([], [only]) = (ours, theirs) {
        assert!(only.ends_with(",0001,0000 NOP"), "{set} {log}: {only}");
        return;
    }
    for (number, (ours, theirs)) in ours.iter().zip(theirs).enumerate() {
        let theirs = theirs.trim_end_matches("<Data>");
        assert_eq!(ours, theirs, "{set} {log} record {number}");
    }
    assert_eq!(ours.len(), theirs.len(), "{set} {log}: number of records");
}

#[test]
fn every_record_is_that_of_the_engines_listing() {
    let Some(corpus) = testkit::corpus() else { return };
    let mut counts = BTreeMap::new();
    let mut sets = 0;
    for set in std::fs::read_dir(corpus.unpacked()).unwrap() {
        let set = set.unwrap().path();
        let Ok(listing) = std::fs::read(set.join("records.txt")) else { continue };
        let name = set.file_name().unwrap().to_string_lossy().into_owned();
        let full = set.join("files/full");
        let folder = if full.is_dir() { full } else { set.join("files") };
        for (log, theirs) in sections(&String::from_utf8_lossy(&listing)) {
            compare(&name, &log, &lines(&folder.join(&log), &mut counts), &theirs);
        }
        sets += 1;
    }
    assert!(sets >= 10, "{sets} sets with a listing");
    for (kind, count) in &counts {
        eprintln!("{count:7} {kind}");
    }
}
