//! Chains of logs, whole and changed.

use std::sync::Arc;

use vfs::mem::Mem;

use super::*;
use crate::verify::Unheard;

/// The logs of a set in memory, changed: name and bytes.
fn judged(set: &str, change: impl FnOnce(&mut BTreeMap<String, Vec<u8>>)) -> Vec<LogReport> {
    let unpacked = testkit::set(set);
    let mut files = BTreeMap::new();
    let storage: Arc<dyn Storage> = Arc::new(vfs::os::Os);
    for entry in storage.list(unpacked.path()).unwrap() {
        let name = entry.name.into_string().unwrap();
        if name.ends_with(".log") {
            let file = storage.open(&unpacked.file(&name), vfs::OpenMode::Read).unwrap();
            let mut bytes = vec![0; usize::try_from(file.len().unwrap()).unwrap()];
            file.read_exact_at(&mut bytes, 0).unwrap();
            files.insert(name, bytes);
        }
    }
    change(&mut files);
    let mem = Mem::new();
    let mut paths = Vec::new();
    for (name, bytes) in files {
        mem.put(format!("/{name}"), bytes).unwrap();
        paths.push(PathBuf::from(format!("/{name}")));
    }
    check(&mem, &paths, &Unheard).unwrap()
}

/// What is more than a note: name of the file and text.
fn grave(reports: &[LogReport]) -> Vec<String> {
    let of = |report: &LogReport| {
        let name = report.path.file_name().unwrap().to_string_lossy().into_owned();
        let grave = report.findings.iter().filter(|finding| finding.severity > Severity::Note);
        grave.map(move |finding| format!("{name}: {}", finding.what)).collect::<Vec<_>>()
    };
    reports.iter().flat_map(of).collect()
}

#[test]
fn whole_chains_have_no_finding() {
    let reports = judged("crash_8k_e", |_| {});
    assert_eq!(grave(&reports), Vec::<String>::new());
    let generations: Vec<u32> =
        reports.iter().map(|report| report.header.as_ref().unwrap().generation.0).collect();
    assert_eq!(generations, [1, 2, 3, 4, 5, 6, 7, 8, 9]);
    let last = reports.last().unwrap();
    assert!(!last.is_ended && last.findings.iter().any(|f| f.what == LogProblem::NotEnded));
    assert_eq!(grave(&judged("backup_8k", |_| {})), Vec::<String>::new());
}

#[test]
fn a_gap_and_files_in_each_others_place_are_told() {
    let gap = judged("crash_8k_e", |files| drop(files.remove("edb00004.log")));
    assert_eq!(grave(&gap), ["edb00005.log: generations 4-4 before it are missing"]);
    let other = testkit::set("crash_8k_f");
    let mixed = judged("crash_8k_e", |files| {
        let storage = vfs::os::Os;
        let path = other.file("edb00004.log");
        let file = storage.open(&path, vfs::OpenMode::Read).unwrap();
        let mut bytes = vec![0; usize::try_from(file.len().unwrap()).unwrap()];
        file.read_exact_at(&mut bytes, 0).unwrap();
        files.insert("edb00004.log".to_owned(), bytes);
    });
    assert_eq!(grave(&mixed), ["edb00005.log: generations 4-4 before it are missing"]);
}

#[test]
fn damage_is_told_by_its_place() {
    let name = "edb00006.log";
    let one_bit = judged("crash_8k_e", |files| files.get_mut(name).unwrap()[9 * 4096 + 900] ^= 4);
    assert_eq!(grave(&one_bit).len(), 1, "{:?}", grave(&one_bit));
    assert!(grave(&one_bit)[0].contains("1 segments are damaged and were put right"));
    let two_bits = judged("crash_8k_e", |files| files.get_mut(name).unwrap()[9 * 4096 + 900] ^= 5);
    assert_eq!(grave(&two_bits), ["edb00006.log: sector 9: its checksum does not hold"]);
    let zeroed = judged("crash_8k_e", |files| {
        files.get_mut(name).unwrap()[9 * 4096..10 * 4096].fill(0);
    });
    assert_eq!(
        grave(&zeroed),
        ["edb00006.log: sector 10: there are records behind the end of the log"]
    );
    let cut = judged("crash_8k_e", |files| files.get_mut(name).unwrap().truncate(20 * 4096));
    assert_eq!(
        grave(&cut),
        [
            "edb00006.log: it has 81920 bytes, expected 262144",
            "edb00006.log: sector 20: the file ends before it"
        ]
    );
    let header = judged("crash_8k_e", |files| files.get_mut(name).unwrap()[50] ^= 1);
    assert!(grave(&header).iter().any(|text| text.contains("checksum of the log header")));
    assert!(grave(&header).iter().any(|text| text.contains("generations 6-6")));
}

#[test]
fn a_file_that_was_changed_with_care_is_found_out_by_the_next() {
    let reports = judged("crash_8k_e", |files| {
        let bytes = files.get_mut("edb00006.log").unwrap();
        let segment = &mut bytes[62 * 4096..63 * 4096];
        // The time of the segment.
        segment[16] ^= 1;
        ese_format::log::segment::seal(segment, 62);
    });
    let found = grave(&reports);
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(found[0].starts_with("edb00007.log: it names 0x"), "{found:?}");
}
