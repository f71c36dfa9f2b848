//! What is judged in the header, the layout and the pages by themselves.

use ese_format::header::{CopyState, DatabaseState, HeaderCopy};

use super::{Findings, Place, codes};
use crate::DatabaseFile;
use crate::verify::{PageRange, PageReport};

/// Judges headers and layout.
pub(super) fn judge(database: &DatabaseFile, findings: &Findings) {
    headers(database, findings);
    state(database, findings);
    let layout = database.layout();
    if layout.tail > 0 {
        let message = || format!("{} bytes at the end are no whole page", layout.tail);
        findings.add(&codes::FILE_SIZE, Place::file(), message);
    }
    if layout.missing_pages() > 0 {
        findings.add(&codes::FILE_SHORT, Place::file(), || {
            let last = layout.last_judged();
            let pages = layout.pages;
            format!("the file ends after page {pages}, the database owns pages up to {last}")
        });
    }
    if let Err(unknown) = layout.last_owned {
        let message = || format!("the last owned page is not known: {unknown}");
        findings.add(&codes::SPACE_ROOT, Place::page(unknown.page), message);
    }
}

fn headers(database: &DatabaseFile, findings: &Findings) {
    let shadowed = database.shadowed();
    // A crash may leave the first header written and the second not yet.
    let differs = shadowed.primary.is_good() && shadowed.shadow == CopyState::Differs;
    let code = match (differs, database.header().is_dirty()) {
        (true, true) => &codes::HEADER_CUT_SHORT,
        (true, false) => &codes::HEADER_DIFFERS,
        (false, _) => &codes::HEADER_COPY,
    };
    let copies = [(HeaderCopy::Primary, shadowed.primary), (HeaderCopy::Shadow, shadowed.shadow)];
    for (copy, state) in copies.into_iter().filter(|(_, state)| !state.is_good()) {
        let used = shadowed.used;
        let message = || format!("{copy} header: {state}; the {used} one is good and was used");
        findings.add(code, Place::file(), message);
    }
}

fn state(database: &DatabaseFile, findings: &Findings) {
    let header = database.header();
    let (min, max) = (header.min_required.0, header.max_required.0);
    let state = header.state;
    if state.name().is_none() {
        let message = || format!("the state is {}, which no database has", state.0);
        findings.add(&codes::HEADER_STATE, Place::file(), message);
    } else if !header.is_clean() {
        let message = || format!("the state is {state}: only recovery makes its pages agree");
        findings.add(&codes::STATE_NOT_CLEAN, Place::file(), message);
    } else if min != 0 || max != 0 {
        let message = || format!("shut down cleanly, but logs {min:#x}-{max:#x} are required");
        findings.add(&codes::HEADER_REQUIRED, Place::file(), message);
    }
    if state == DatabaseState::DIRTY_SHUTDOWN && (min == 0 || min > max) {
        let message = || format!("not shut down, but logs {min:#x}-{max:#x} are required");
        findings.add(&codes::HEADER_REQUIRED, Place::file(), message);
    }
}

/// Says what a pass over all pages found.
pub(super) fn pages(database: &DatabaseFile, report: &PageReport, findings: &Findings) {
    let size = database.page_size();
    let owned = &report.owned;
    for damaged in &owned.damaged {
        let offset = damaged.page.file_offset(size);
        findings.add(&codes::PAGE_CHECKSUM, Place::page(damaged.page), || {
            format!("at offset {offset:#x}: {}", damaged.damage)
        });
    }
    for corrected in &owned.corrected {
        let offset = corrected.page.file_offset(size);
        findings.add(&codes::PAGE_CORRECTED, Place::page(corrected.page), || {
            let bits: Vec<String> = corrected.correction.bits().map(|b| b.to_string()).collect();
            let bits = bits.join(", ");
            format!("at offset {offset:#x}: single wrong bit ({bits}), can be read corrected")
        });
    }
    unlisted(owned, findings);
}

/// Pages that are counted and not listed.
fn unlisted(owned: &PageRange, findings: &Findings) {
    for (code, count, listed) in [
        (&codes::PAGE_CHECKSUM, owned.damaged_count, owned.damaged.len()),
        (&codes::PAGE_CORRECTED, owned.corrected_count, owned.corrected.len()),
    ] {
        let more = count.saturating_sub(listed as u64);
        if more > 0 {
            findings.count_more(code, more);
        }
    }
}
