//! The logical check over good databases, damaged ones, and in any number of parts.

use std::path::Path;
use std::sync::Arc;

use testkit::mutation::Class;
use vfs::mem::Mem;
use vfs::os::Os;

use super::*;
use crate::check::visit::{CheckedTree, PartEnd, Position, TreeKind, Visitors};
use crate::check::{Findings, Options, Severity};
use crate::schema::{Schema, TreeRoot};
use crate::{Database, OpenOptions, Tree};

/// What came of a check: statistics, and the findings as code and text.
struct Outcome {
    statistics: Statistics,
    findings: Vec<(Severity, &'static str, String)>,
}

impl Outcome {
    fn of(&self, severity: Severity) -> Vec<&str> {
        let matching = self.findings.iter().filter(|(s, ..)| *s == severity);
        matching.map(|(_, code, _)| *code).collect()
    }

    fn text(&self) -> String {
        let lines = self.findings.iter().map(|(s, code, text)| format!("{s} {code} {text}"));
        lines.collect::<Vec<_>>().join("\n")
    }
}

/// Checks a database, each tree in about `parts` parts, the last one first.
fn check(database: &Database, parts: usize, memory: usize) -> Outcome {
    let findings = Findings::new(false, 1000);
    let options = Options { memory, ..Options::default() };
    let logical = Logical::new(database.pages(), database.schema(), &findings, &options);
    for tree in trees(database.schema()) {
        let leaves = Tree::new(database.pages().clone(), tree.root, tree.objid).parts(parts);
        for (number, leaves) in leaves.into_iter().enumerate().rev() {
            let Some(mut visitor) = logical.visitor(&tree) else { continue };
            let mut complete = true;
            for leaf in leaves {
                match leaf {
                    Ok(leaf) => visitor.leaf(&leaf),
                    Err(_) => complete = false,
                }
            }
            let position = Position(u128::try_from(number).unwrap());
            visitor.finish(&PartEnd { position, complete });
        }
    }
    let statistics = logical.finish();
    let (findings, _) = findings.finish();
    let findings = findings
        .into_iter()
        .map(|f| (f.severity, f.code, format!("{}: {}", f.place, f.message)))
        .collect();
    Outcome { statistics, findings }
}

/// All trees but those of space.
fn trees(schema: &Schema) -> Vec<CheckedTree> {
    let mut trees = Vec::new();
    for table in schema.tables() {
        let mut add = |kind, root: TreeRoot, index: Option<&str>| {
            trees.push(CheckedTree {
                number: trees.len(),
                kind,
                table: Some(table.name.as_str().into()),
                index: index.map(Into::into),
                root: root.page,
                objid: root.objid,
                table_objid: table.root.objid,
                parent: None,
                unique: true,
            });
        };
        add(TreeKind::Table, table.root, None);
        for index in table.indexes.iter().filter(|index| !index.is_primary()) {
            add(TreeKind::Index, index.root, Some(&index.name));
        }
        if let Some(root) = table.long_values {
            add(TreeKind::LongValues, root, Some("LV"));
        }
    }
    trees
}

/// A database of these bytes, if they can be opened as one.
fn open_bytes(bytes: &[u8]) -> Option<Database> {
    let storage = Mem::new();
    storage.put("test.edb", bytes).unwrap();
    OpenOptions::default().open(Arc::new(storage), Path::new("test.edb")).ok()
}

const MEMORY: usize = 64 << 20;

#[test]
fn clean_databases_have_no_findings_however_they_are_divided() {
    for name in testkit::CLEAN {
        let database = open_bytes(&testkit::database(name)).unwrap();
        let whole = check(&database, 1, MEMORY);
        assert!(whole.of(Severity::Error).is_empty(), "{name}:\n{}", whole.text());
        assert!(whole.of(Severity::Warning).is_empty(), "{name}:\n{}", whole.text());
        for parts in [2, 7, 1000] {
            let other = check(&database, parts, MEMORY);
            assert_eq!(other.statistics, whole.statistics, "{name} in {parts} parts");
            assert_eq!(other.findings, whole.findings, "{name} in {parts} parts");
        }
    }
}

/// Codes of this check.
const CODES: [&str; 19] = [
    "record",
    "record-column",
    "record-column-unknown",
    "record-null",
    "record-value",
    "record-opaque",
    "primary-key",
    "index-definition",
    "index-orphan",
    "index-key",
    "index-missing",
    "index-extra",
    "lv-key",
    "lv-root",
    "lv-chunk",
    "lv-data",
    "lv-missing",
    "lv-refcount",
    "lv-unreferenced",
];

#[test]
fn every_mutation_of_records_indexes_and_long_values_is_found() {
    let (mut missed, mut found) = (Vec::new(), 0);
    let is_ours = |alternatives: &&str| {
        alternatives.split('|').all(|part| CODES.iter().any(|code| code.contains(part)))
    };
    for mutation in testkit::mutation::all() {
        let is_damage = mutation.class == Class::Damage;
        if is_damage && !mutation.expects.iter().any(is_ours) {
            continue;
        }
        let Some(database) = open_bytes(&mutation.make()) else { continue };
        let outcome = check(&database, 1, MEMORY);
        let other = check(&database, 1000, 0);
        assert_eq!(outcome.text(), other.text(), "{}: in parts and rounds", mutation.name);
        let codes: Vec<String> =
            outcome.findings.iter().map(|(_, code, _)| (*code).to_owned()).collect();
        let is_failure = !outcome.of(Severity::Error).is_empty();
        let is_wrong = match mutation.class {
            Class::Damage => {
                found += 1;
                let missing = mutation.missing(&codes);
                missing.iter().any(is_ours)
            }
            Class::Control | Class::Odd => is_failure,
            Class::Unusable => false,
        };
        if is_wrong {
            let (name, expects) = (mutation.name, mutation.expects);
            missed.push(format!("{name} {expects:?}\n{}", outcome.text()));
        }
    }
    assert!(missed.is_empty(), "{} missed:\n{}", missed.len(), missed.join("\n"));
    assert!(found > 50, "only {found} mutations are for this check");
}

/// Places of the first two entries with the same key in an index, as page and line.
fn two_with_one_key(database: &Database, table: &str, index: &str) -> [(u32, usize); 2] {
    let index = database.schema().table(table).unwrap().index(index).unwrap();
    let mut seen = std::collections::BTreeMap::new();
    for leaf in database.tree(index.root).leaves() {
        let leaf = leaf.unwrap();
        for line in 0..leaf.node_count() {
            let node = leaf.node(line).unwrap();
            let place = (leaf.number().0, line);
            let is_text = (20..200).contains(&node.key_len()) && node.suffix.len() > 10;
            if let Some(first) =
                seen.insert(node.key(), place).filter(|_| is_text && !node.is_deleted())
            {
                return [first, place];
            }
        }
    }
    panic!("no key occurs twice");
}

#[test]
fn a_sort_key_that_differs_from_that_of_the_same_text_is_found() {
    let mut image = testkit::mutation::Image::of("clean_8k");
    let database = open_bytes(&testkit::database("clean_8k")).unwrap();
    let [_, (page, line)] = two_with_one_key(&database, "alltypes", "by_utext");
    let weight = image.node(page, line).data - 7;
    image.flip(page, weight, 0x40);
    let damaged = open_bytes(&image.finish()).unwrap();
    let outcome = check(&damaged, 2, MEMORY);
    assert_eq!(outcome.of(Severity::Error), ["index-key"], "{}", outcome.text());
    assert!(outcome.text().contains("another sort key"), "{}", outcome.text());
}

#[test]
fn the_corpus_has_no_findings() {
    let Some(corpus) = testkit::corpus() else { return };
    for path in corpus.databases() {
        let name = path.strip_prefix(corpus.unpacked()).unwrap().display().to_string();
        let Ok(database) = OpenOptions::default().open(Arc::new(Os), &path) else { continue };
        if !database.is_clean() {
            continue;
        }
        let outcome = check(&database, 4, MEMORY);
        let errors = outcome.of(Severity::Error);
        // One real file has an entry of a record that is gone.
        let expected: &[&str] =
            if name.ends_with("plaso-Catalog1.edb") { &["index-orphan"] } else { &[] };
        assert_eq!(errors, expected, "{name}:\n{}", outcome.text());
        let statistics = outcome.statistics;
        assert_eq!(statistics.uncompared_texts, 0, "{name}");
        if name.contains("ntds-2019-goad") {
            assert_eq!((statistics.records, statistics.indexes), (8031, 212));
            assert_eq!((statistics.exact_entries, statistics.unicode_entries), (52_491, 14_513));
            assert_eq!((statistics.long_values, statistics.references), (1028, 1028));
        }
    }
}
