//! A check from beginning to end.

use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex, PoisonError};

use ese_format::header::DatabaseFlags;

use super::catalog::{self, Catalog};
use super::logical::Logical;
use super::ownership::Ownership;
use super::page_rules::PageRules;
use super::space::{self, Space, Spaces};
use super::usage::Usage;
use super::visit::Visitors;
use super::walk::{Meter, TreeTally, Walk};
use super::{
    CheckedTree, Findings, Level, Options, Report, Statistics, TreeStatistics, file_rules, shadow,
};
use crate::verify::{self, Progress};
use crate::{DatabaseFile, Error, Pages};

/// Pages kept between reading the catalog, its shadow and the space of each tree, in bytes.
const CACHE: usize = 16 << 20;

/// Checks a database; what is wrong with it is in the report.
///
/// # Errors
///
/// When reading fails, and when `progress` cancels.
pub fn run(
    database: &Arc<DatabaseFile>,
    options: &Options,
    progress: &dyn Progress,
) -> Result<Report, Error> {
    let findings = Findings::new(database.header().is_dirty(), options.listed);
    file_rules::judge(database, &findings);
    let total = options.work(database.layout().file_len);
    let meter = Meter { progress, done: AtomicU64::new(0), total };
    let mut pages = None;
    if options.level >= Level::Pages {
        let listed = options.listed.max(verify::Options::default().listed);
        let settings = verify::Options { threads: options.threads, listed };
        let found = verify::pages(database, &settings, &|done, _| meter.reached(done))?;
        file_rules::pages(database, &found, &findings);
        pages = Some(found);
    }
    let mut statistics = Statistics::default();
    if options.level != Level::Pages {
        let store = Arc::new(Pages::new(Arc::clone(database) as Arc<_>, CACHE));
        let check = Check { database, options, pages: store, findings: &findings, meter: &meter };
        check.trees(&mut statistics)?;
    }
    let (findings, counts) = findings.finish();
    Ok(Report { level: options.level, findings, counts, pages, statistics })
}

struct Check<'a> {
    database: &'a DatabaseFile,
    options: &'a Options,
    pages: Arc<Pages>,
    findings: &'a Findings,
    meter: &'a Meter<'a>,
}

impl Check<'_> {
    /// Checks the catalog, and in full all trees.
    fn trees(&self, statistics: &mut Statistics) -> Result<(), Error> {
        let header = self.database.header();
        let catalog = catalog::read(&self.pages, header.last_objid, self.findings)?;
        let Some(catalog) = catalog else { return Ok(()) };
        statistics.tables = catalog.tables;
        statistics.columns = catalog.columns;
        statistics.indexes = catalog.indexes;
        if !header.flags.contains(DatabaseFlags::NO_SHADOW_CATALOG) {
            shadow::compare(&self.pages, self.findings)?;
        }
        if let Some(objids) = catalog.objids {
            shadow::compare_objids(&self.pages, objids, &catalog.trees, self.findings)?;
        }
        if self.options.level == Level::Full {
            self.walk(&catalog, statistics)?;
        }
        Ok(())
    }

    fn walk(&self, catalog: &Catalog, statistics: &mut Statistics) -> Result<(), Error> {
        let header = self.database.header();
        let last = self.pages.last_page();
        let usage = Usage::new(last);
        let space_pages = Mutex::new(Vec::new());
        let walk = Walk {
            pages: &self.pages,
            rules: PageRules {
                findings: self.findings,
                newest: header.is_clean().then_some(header.dbtime),
                repaired: header.repair_count > 0,
            },
            usage: &usage,
            ownership: None,
            visitors: &(),
            progress: self.meter,
            collected: Some(&space_pages),
            threads: verify::thread_count(self.options.threads),
        };
        let trees = &catalog.trees;
        let Spaces { spaces, trees: space_trees, pages } = space::read(walk, trees)?;
        statistics.space_pages = pages;
        let ownership = Ownership::new(trees, &spaces, self.findings);
        let space_pages =
            std::mem::take(&mut *space_pages.lock().unwrap_or_else(PoisonError::into_inner));
        for (page, number) in space_pages {
            let owner = space_trees.get(number).and_then(|tree| trees.get(tree.parent?));
            if let Some(owner) = owner {
                ownership.judge_page(owner, page, self.findings);
            }
        }
        let schema = crate::catalog::Catalog::read(&self.pages, true)?.schema;
        let logical = Some(Logical::new(&self.pages, &schema, self.findings, self.options));
        let visitors: &dyn Visitors = match &logical {
            Some(logical) => logical,
            None => &(),
        };
        let tallies =
            Walk { ownership: Some(&ownership), visitors, collected: None, ..walk }.run(trees)?;
        let rest = ownership.judge_rest(trees, &usage, last, self.findings);
        statistics.unowned = rest.unowned;
        statistics.leaked = rest.leaked;
        statistics.add(trees, &spaces, &tallies);
        if let Some(logical) = logical {
            let incomplete = trees.iter().zip(&tallies).filter(|(_, tally)| !tally.complete);
            incomplete.for_each(|(tree, _)| logical.skipped(tree));
            statistics.logical = Some(logical.finish());
        }
        self.meter.finish()
    }
}

impl Statistics {
    fn add(&mut self, trees: &[CheckedTree], spaces: &[Space], tallies: &[TreeTally]) {
        for ((tree, space), tally) in trees.iter().zip(spaces).zip(tallies) {
            let sum = |spans: &[super::extents::Span]| spans.iter().map(|span| span.len()).sum();
            let own = TreeStatistics {
                tree: tree.clone(),
                pages: tally.pages,
                leaves: tally.leaves,
                nodes: tally.nodes,
                deleted: tally.deleted,
                depth: tally.depth,
                owned: sum(&space.owned),
                available: sum(&space.available),
            };
            let split: u64 = sum(&space.split);
            self.split_buffers += split;
            self.shelved += space.shelved;
            self.tree_pages += own.pages;
            self.available += own.available;
            self.nodes += own.nodes;
            self.deleted += own.deleted;
            self.trees.push(own);
        }
    }
}
