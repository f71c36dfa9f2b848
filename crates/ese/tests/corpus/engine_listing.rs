//! Headers against the listing of Microsoft's engine (`esentutl /mh`, `/ml`), line by line.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

use ese_format::header::{DatabaseFlags, DatabaseHeader};
use ese_format::log_header::LogHeader;
use ese_format::trailer::BackupTrailer;
use ese_format::{BackupInfo, LogGeneration, LogPosition, LogTime, Signature};

use crate::open;

#[test]
fn headers_agree_with_the_engines_listing() {
    let Some(corpus) = testkit::corpus() else { return };
    let (mut databases, mut logs) = (0, 0);
    for entry in fs::read_dir(corpus.unpacked()).unwrap() {
        let set = entry.unwrap().path();
        let Ok(listing) = fs::read(set.join("header.txt")) else { continue };
        let listing = String::from_utf8_lossy(&listing).replace('\r', "");
        if !listing.contains("##### ") {
            // The sets made from a real directory list the database only, without its name.
            check_database(&file_of(&set, "ntds.dit"), &listing);
            databases += 1;
            continue;
        }
        for section in listing.split("##### ").skip(1) {
            let (name, lines) = section.split_once('\n').unwrap();
            let path = file_of(&set, name.trim());
            if name.trim().ends_with(".log") {
                check_log(&path, lines);
                logs += 1;
            } else if !name.trim().ends_with(".chk") {
                check_database(&path, lines);
                databases += 1;
            }
        }
    }
    assert!(databases >= 18 && logs >= 79, "{databases} databases, {logs} logs");
}

fn file_of(set: &Path, name: &str) -> PathBuf {
    let full = set.join("files/full").join(name);
    if full.exists() { full } else { set.join("files").join(name) }
}

fn check_database(path: &Path, lines: &str) {
    let database = open(path);
    let trailer = database.layout().trailer.as_ref();
    let ours = database_listing(database.header(), trailer);
    let significant = |text: &str| -> Vec<String> {
        text.lines().map(str::trim).filter(|line| is_significant(line)).map(str::to_owned).collect()
    };
    let (ours, mut theirs) = (significant(&ours), significant(lines));
    if trailer.is_some() {
        // After reading a trailer the engine's listing shows the flush signatures, which lie in
        // the header, as zero, and calls two equal copies different.
        theirs.truncate(ours.len() - 3);
    } else {
        let differs = lines.contains("WARNING: primary header and shadow header are not identical");
        assert_eq!(database.shadowed().both_good(), !differs, "{}", path.display());
    }
    for (ours, theirs) in ours.iter().zip(&theirs) {
        assert_eq!(ours, theirs, "{}", path.display());
    }
    let last = if trailer.is_some() { 3 } else { 0 };
    assert_eq!(ours.len(), theirs.len() + last, "{}", path.display());
}

/// Lines about the engine that printed, not about the file, are left out.
fn is_significant(line: &str) -> bool {
    let about_the_engine = [
        "@@FILE",
        "Engine ulMagic",
        "Engine ulVersion",
        "JetDBUtilities",
        "Last Resize",
        "WARNING",
    ];
    !line.is_empty() && !about_the_engine.iter().any(|prefix| line.starts_with(prefix))
}

fn time(time: LogTime) -> String {
    let ((year, month, day), (hour, minute, second)) = (time.date(), time.time_of_day());
    let zone = if time.is_utc() { "UTC" } else { "LOC" };
    let milliseconds = time.millisecond();
    format!(
        "{month:02}/{day:02}/{year:04} {hour:02}:{minute:02}:{second:02}.{milliseconds:03} {zone}"
    )
}

fn position(position: LogPosition) -> String {
    let LogPosition { generation, sector, byte } = position;
    format!("(0x{:X},{sector:X},{byte:X})", generation.0)
}

fn signature(signature: Signature) -> String {
    let created = time(signature.created);
    // The engine prints no time zone here.
    let created = created.rsplit_once(' ').unwrap().0.to_owned();
    format!("Create time:{created} Rand:{} Computer:", signature.random)
}

fn generations(first: LogGeneration, last: LogGeneration) -> String {
    format!("{}-{} (0x{first}-0x{last})", first.0, last.0)
}

fn generation(generation: LogGeneration) -> String {
    format!("{} (0x{generation})", generation.0)
}

fn backup(out: &mut String, title: &str, info: &BackupInfo) {
    let gens = generations(info.first_generation, info.last_generation);
    writeln!(out, "{title}:\nLog Gen: {gens}").unwrap();
    writeln!(out, "Mark: {}\nMark: {}", position(info.mark), time(info.time)).unwrap();
}

fn errors(count: u32, when: Option<LogTime>) -> String {
    match (count, when) {
        (0, _) => "none".to_owned(),
        (count, Some(when)) => format!("{count} ({})", time(when)),
        (count, None) => count.to_string(),
    }
}

fn database_listing(h: &DatabaseHeader, trailer: Option<&BackupTrailer>) -> String {
    let mut out = String::new();
    first_lines(&mut out, h);
    log_lines(&mut out, h);
    backup(&mut out, "Previous Full Backup", &h.full_backup);
    backup(&mut out, "Previous Incremental Backup", &h.incremental_backup);
    backup(&mut out, "Previous Copy Backup", &h.copy_backup);
    backup(&mut out, "Previous Differential Backup", &h.differential_backup);
    backup(&mut out, "Current Full Backup", &h.current_backup);
    backup(&mut out, "Current Shadow copy backup", &h.snapshot_backup);
    last_lines(&mut out, h);
    if let Some(trailer) = trailer {
        backup(&mut out, "Patch Current Full Backup", &trailer.backup);
    }
    for (name, value) in [
        ("Database Header Flush Signature", h.header_flush_signature),
        ("Flush Map Header Flush Signature", h.flush_map_signature),
        ("RBS Header Flush Signature", h.revert_snapshot_signature),
    ] {
        writeln!(out, "{name}: {}", signature(value)).unwrap();
    }
    out
}

fn first_lines(out: &mut String, h: &DatabaseHeader) {
    let state = match h.state.to_string().as_str() {
        "CleanShutdown" => "Clean Shutdown".to_owned(),
        "DirtyShutdown" => "Dirty Shutdown".to_owned(),
        other => other.to_owned(),
    };
    let computed = ese_format::checksum::xor32(&h.to_block());
    let version = h.format_version();
    writeln!(out, "DATABASE HEADER:\nChecksum Information:").unwrap();
    writeln!(out, "Expected Checksum: {:#010x}", h.checksum).unwrap();
    writeln!(out, "Actual Checksum: {computed:#010x}\nFields:").unwrap();
    writeln!(out, "File Type: Database\nChecksum: {:#010x}", h.checksum).unwrap();
    writeln!(out, "Format ulMagic: {:#x}", h.magic).unwrap();
    writeln!(out, "Format ulVersion: {version}  (attached by {})", h.max_engine_version).unwrap();
    writeln!(out, "Created ulVersion: {:#x},{}", h.create_version, h.create_update).unwrap();
    writeln!(out, "DB Signature: {}", signature(h.signature)).unwrap();
    writeln!(out, "cbDbPage: {}", h.page_size_field).unwrap();
    writeln!(out, "dbtime: {} ({:#x})", h.dbtime.0, h.dbtime.0).unwrap();
    writeln!(out, "State: {state}").unwrap();
}

fn log_lines(out: &mut String, h: &DatabaseHeader) {
    let required = generations(h.min_required, h.max_required);
    let before = generation(h.pre_redo_min_required);
    writeln!(out, "Log Required: {required} [Min. Req. Pre-Redo: {before}]").unwrap();
    writeln!(out, "Gen. Max. Req. Creation Time: {}", time(h.max_required_time)).unwrap();
    let committed = generations(LogGeneration(0), h.max_committed);
    writeln!(out, "Log Committed: {committed}").unwrap();
    writeln!(out, "Gen. Max. Com. Creation Time: {}", time(h.max_committed_time)).unwrap();
    let before = generation(h.pre_redo_min_consistent);
    let consistent = generation(h.min_consistent);
    writeln!(out, "Log Consistent: {consistent} [Pre-Redo: {before}]").unwrap();
    writeln!(out, "Log Recovering: {}", generation(h.recovering)).unwrap();
    let shadowed = !h.flags.contains(DatabaseFlags::NO_SHADOW_CATALOG);
    writeln!(out, "Shadowed: {}", if shadowed { "Yes" } else { "No" }).unwrap();
    writeln!(out, "Last Objid: {}", h.last_objid).unwrap();
    let scrub = h.scrub_dbtime.0;
    writeln!(out, "Scrub Dbtime: {scrub} ({scrub:#x})").unwrap();
    writeln!(out, "Scrub Date: {}", time(h.scrub_time)).unwrap();
    writeln!(out, "Repair Count: {}", h.repair_count).unwrap();
    writeln!(out, "Repair Date: {}", time(h.repair_time)).unwrap();
    writeln!(out, "Old Repair Count: {}", h.old_repair_count).unwrap();
    for (name, place, when) in [
        ("Consistent", h.consistent_position, h.consistent_time),
        ("Attach", h.attach_position, h.attach_time),
        ("Detach", h.detach_position, h.detach_time),
        ("ReAttach", h.reattach_position, h.reattach_time),
    ] {
        writeln!(out, "Last {name}: {}  {}", position(place), time(when)).unwrap();
    }
    writeln!(out, "Dbid: {}", h.dbid).unwrap();
    writeln!(out, "Log Signature: {}", signature(h.log_signature)).unwrap();
    let os = format!("{}.{}.{} SP {}", h.os_major, h.os_minor, h.os_build, h.os_service_pack);
    let (high, low) = (h.sort_version >> 32, h.sort_version as u32);
    writeln!(out, "OS Version: ({os} NLS {high:x}.{low:x})").unwrap();
}

fn last_lines(out: &mut String, h: &DatabaseHeader) {
    for (name, count) in [
        ("cpgUpgrade55Format", h.upgrade_55_format_pages),
        ("cpgUpgradeFreePages", h.upgrade_free_pages),
        ("cpgUpgradeSpaceMapPages", h.upgrade_space_map_pages),
    ] {
        writeln!(out, "{name}: {count}").unwrap();
    }
    writeln!(out, "Extend Count: {}", h.extend_count).unwrap();
    writeln!(out, "Extend Date: {}", time(h.extend_time)).unwrap();
    writeln!(out, "Shrink Count: {}", h.shrink_count).unwrap();
    writeln!(out, "Shrink Date: {}", time(h.shrink_time)).unwrap();
    writeln!(out, "Trim Count: {}", h.trim_count).unwrap();
    for (name, count, when) in [
        ("ECC Fix Success", h.ecc_fix_success_count, Some(h.ecc_fix_success_time)),
        ("Old ECC Fix Success", h.old_ecc_fix_success_count, None),
        ("ECC Fix Error", h.ecc_fix_fail_count, Some(h.ecc_fix_fail_time)),
        ("Old ECC Fix Error", h.old_ecc_fix_fail_count, None),
        ("Bad Checksum Error", h.bad_checksum_count, Some(h.bad_checksum_time)),
        ("Old bad Checksum Error", h.old_bad_checksum_count, None),
    ] {
        writeln!(out, "{name} Count: {}", errors(count, when)).unwrap();
    }
    writeln!(out, "Last Database Maintenance Finish Date: {}", time(h.scan_finish_time)).unwrap();
    writeln!(out, "Current Database Maintenance Start Date: {}", time(h.scan_start_time)).unwrap();
    let page = h.scan_highest_continuous_page;
    writeln!(out, "Highest Continuous Database Maintenance Page: {page}").unwrap();
    writeln!(out, "Highest Database Maintenance Page: {}", h.scan_highest_page).unwrap();
}

fn check_log(path: &Path, lines: &str) {
    let h = LogHeader::parse(&fs::read(path).unwrap()).unwrap();
    let theirs: BTreeMap<&str, &str> =
        lines.lines().filter_map(|line| line.trim().split_once(": ")).rev().collect();
    let on = |bit: u8| if h.flags & bit != 0 { "on" } else { "off" }.to_owned();
    let version = format!("{}.{}.{}.{}", h.major, h.minor, h.update_major, h.update_minor);
    for (name, ours) in [
        ("lGeneration", format!("{0} (0x{0:X})", h.generation.0)),
        ("creation time", time(h.created)),
        ("prev gen time", time(h.previous_created)),
        (
            "prev gen accumulated segment checksum",
            format!("{:#018x}", h.previous_segments_checksum),
        ),
        ("Format LGVersion", format!("({version}) (generated by {})", h.engine_version)),
        ("Signature", signature(h.signature)),
        ("Using Reserved Log File", (h.flags & 1 != 0).to_string()),
        ("Circular Logging Flag (current file)", on(2)),
        ("Circular Logging Flag (past files)", on(4)),
        ("Checkpoint at log creation time", position(h.checkpoint)),
    ] {
        assert_eq!(theirs.get(name), Some(&ours.as_str()), "{}: {name}", path.display());
    }
}
