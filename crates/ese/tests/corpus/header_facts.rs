//! Database and log headers against the facts of `headers.json`.

use std::fs;
use std::path::Path;

use ese_format::header::{DatabaseHeader, SHADOWED_LEN, read_shadowed};
use ese_format::log_header::LogHeader;
use ese_format::{BackupInfo, LogPosition, LogTime, Signature};
use serde_json::Value;

#[test]
fn headers_agree_with_the_facts_field_by_field() {
    let Some(corpus) = testkit::corpus() else { return };
    let (mut databases, mut logs) = (0, 0);
    for entry in fs::read_dir(corpus.archives()).unwrap() {
        let set = entry.unwrap().path();
        let Ok(text) = fs::read_to_string(set.join("headers.json")) else { continue };
        let facts: Vec<Value> = serde_json::from_str(&text).unwrap();
        for fact in facts {
            let name = fact["file"].as_str().unwrap();
            let path = corpus.unpacked().join(set.file_name().unwrap()).join(name);
            let Ok(bytes) = fs::read(&path) else { continue };
            assert_eq!(fact["size"], bytes.len() as u64, "{}", path.display());
            match fact["kind"].as_str().unwrap() {
                "db" => {
                    check_database(&path, &bytes, &fact);
                    databases += 1;
                }
                "log" => {
                    check_log(&path, &bytes, &fact);
                    logs += 1;
                }
                _ => {}
            }
        }
    }
    assert!(databases >= 25 && logs >= 40, "{databases} databases, {logs} logs");
}

/// Times of the facts have seconds, and no mark of the time zone.
fn time(time: LogTime) -> String {
    time.to_string().chars().take(19).collect()
}

fn signature(signature: Signature) -> String {
    format!("{:08x}/{}", signature.random, time(signature.created))
}

fn at(position: LogPosition, when: LogTime) -> String {
    format!("{position} {}", time(when))
}

fn backup(info: &BackupInfo) -> String {
    format!(
        "{} {} gens {}-{}",
        info.mark,
        time(info.time),
        info.first_generation,
        info.last_generation
    )
}

fn check_database(path: &Path, bytes: &[u8], fact: &Value) {
    let found = read_shadowed(&bytes[..bytes.len().min(SHADOWED_LEN)]).unwrap();
    let header = &found.header;
    assert_eq!(fact["shadow_hdr_equal"], found.both_good(), "{}", path.display());
    assert_eq!(fact["page"], u64::from(found.page_size.get()), "{}", path.display());
    for (name, value) in database_facts(header) {
        let expected = match &fact[name] {
            Value::Null => "absent".to_owned(),
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        if expected == "absent" {
            assert!(name.starts_with("bk") && value.contains("gens 0-0"), "{name}: {value}");
            continue;
        }
        assert_eq!(value, expected, "{}: {name}", path.display());
    }
    let known = database_facts(header).len() + 5;
    let listed = fact.as_object().unwrap().keys().filter(|key| *key != "sha256").count();
    assert!(listed <= known, "{}: a fact is not compared", path.display());
}

fn database_facts(h: &DatabaseHeader) -> Vec<(&'static str, String)> {
    vec![
        ("attrib", h.attributes.to_string()),
        ("ver", format!("{:x}.{:x}.{:x}", h.version, h.update_major, h.update_minor)),
        ("created", format!("{:x}.{:x}", h.create_version, h.create_update)),
        ("filetype", h.file_type.0.to_string()),
        ("dbtime", h.dbtime.to_string()),
        ("state", h.state.to_string()),
        ("signDb", signature(h.signature)),
        ("signLog", signature(h.log_signature)),
        ("consistent", at(h.consistent_position, h.consistent_time)),
        ("attach", at(h.attach_position, h.attach_time)),
        ("detach", at(h.detach_position, h.detach_time)),
        ("genreq", format!("{}-{}", h.min_required, h.max_required)),
        ("genCommitted", h.max_committed.to_string()),
        ("genMaxCreate", time(h.max_committed_time)),
        ("genMinConsistent", h.min_consistent.to_string()),
        ("genRecovering", h.recovering.to_string()),
        ("os", format!("{}.{}.{} sp{}", h.os_major, h.os_minor, h.os_build, h.os_service_pack)),
        ("objidLast", h.last_objid.to_string()),
        ("bkFullPrev", backup(&h.full_backup)),
        ("bkFullCur", backup(&h.current_backup)),
        ("bkIncPrev", backup(&h.incremental_backup)),
        ("bkCopyPrev", backup(&h.copy_backup)),
        ("bkDiffPrev", backup(&h.differential_backup)),
        ("bkSnapCur", backup(&h.snapshot_backup)),
        ("repair", h.repair_count.to_string()),
        ("repairOld", h.old_repair_count.to_string()),
        ("scrub", h.scrub_dbtime.to_string()),
        ("dbflags", format!("{:x}", h.flags.bits())),
        ("hdrsum", format!("{:08x}", h.checksum)),
        ("efvMax", h.max_engine_version.to_string()),
        ("lgposLastResize", h.resize_position.to_string()),
    ]
}

fn check_log(path: &Path, bytes: &[u8], fact: &Value) {
    let h = LogHeader::parse(bytes).unwrap();
    assert_eq!(&h.to_block(), &bytes[..4096]);
    assert_eq!(h.file_len(), bytes.len() as u64, "{}", path.display());
    let numbers = [
        ("cbSec", u64::from(h.sector_size)),
        ("csecHdr", u64::from(h.header_sectors)),
        ("csecFile", u64::from(h.file_sectors)),
        ("page", u64::from(h.page_size().unwrap().get())),
        ("efv", u64::from(h.engine_version)),
    ];
    for (name, value) in numbers {
        assert_eq!(fact[name], value, "{}: {name}", path.display());
    }
    let version = format!("{:x}.{:x}.{:x}.{:x}", h.major, h.minor, h.update_major, h.update_minor);
    let texts = [
        ("gen", h.generation.to_string()),
        ("created", time(h.created)),
        ("prev", time(h.previous_created)),
        ("ver", version),
        ("signLog", signature(h.signature)),
        ("flags", format!("{:x}", h.flags)),
        ("ckpt", h.checkpoint.to_string()),
        ("xeprev", format!("{:x}", h.previous_segments_checksum)),
    ];
    for (name, value) in texts {
        assert_eq!(fact[name], value, "{}: {name}", path.display());
    }
}
