//! How many records of each type the logs of Windows have, as an independent script counts them.

use std::collections::BTreeMap;

use crate::walk;

/// Folder, number of logs, and for each type its records in all of them.
const COUNTS: &[(&str, usize, &str)] = &[
    (
        "srum-server2022/chain",
        5,
        "AttachDB 3 Begin 619 Begin0 27 Commit 712 Commit0 27 ConvertFDP2 5 CreateDB 1 \
         CreateDBFinish 1 CreateMultipleExtentFDP 5 CreateSingleExtentFDP 24 Delete 7 \
         ExtendDB 7 FlagDelete 5 Init2 5 Insert 1255 MacroBegin 24 MacroCommit 24 MacroInfo \
         24 NOP2 14 NewPage 54 Replace 38 SetDbVersion 4 SetExternalHeader 21 ShutDownMark \
         5 Split2 41 Term2 5 Trace 42",
    ),
    (
        "srum-server2022/day0",
        2,
        "Begin 190 Begin0 9 Commit 208 Commit0 9 ConvertFDP2 2 CreateDB 1 CreateDBFinish 1 \
         CreateMultipleExtentFDP 5 CreateSingleExtentFDP 6 Delete 2 ExtendDB 1 FlagDelete 1 \
         Init2 1 Insert 291 MacroBegin 5 MacroCommit 5 MacroInfo 5 NOP2 7 NewPage 11 \
         Replace 17 SetDbVersion 1 SetExternalHeader 1 ShutDownMark 1 Split2 7 Term2 1 \
         Trace 6",
    ),
    (
        "srum-server2022/day1",
        3,
        "AttachDB 2 Begin 275 Begin0 12 Commit 312 Commit0 13 ConvertFDP2 2 \
         CreateSingleExtentFDP 9 Delete 3 ExtendDB 3 FlagDelete 1 Init2 3 Insert 671 \
         MacroBegin 13 MacroCommit 14 MacroInfo 14 NOP2 6 NewPage 26 Replace 13 \
         SetDbVersion 2 SetExternalHeader 13 ShutDownMark 4 Split2 24 Term2 4 Trace 18",
    ),
    (
        "srum-win10-apt",
        8,
        "AttachDB 1 Begin 816 Begin0 6 Commit 823 Commit0 7 Delete 12 ExtendDB 6 Init2 2 \
         Insert 2444 MacroBegin 74 MacroCommit 74 MacroInfo 74 NOP2 4 NewPage 74 Replace 69 \
         SetDbVersion 1 SetExternalHeader 1 ShutDownMark 3 Split2 148 Term2 3",
    ),
    (
        "srum-win10-belkasoft/dirty",
        5,
        "AttachDB 7 Begin 256 Begin0 9 Commit 265 Commit0 9 ConvertFDP2 1 Delete 6 ExtendDB \
         3 Init2 7 Insert 807 MacroBegin 26 MacroCommit 26 MacroInfo 26 NOP2 14 \
         RecoveryQuit2 1 RecoveryUndo2 1 Replace 25 SetExternalHeader 2 ShutDownMark 6 \
         Split2 51 Term2 5",
    ),
    (
        "srum-win10-belkasoft/repaired",
        5,
        "AttachDB 7 Begin 256 Begin0 9 Commit 265 Commit0 9 ConvertFDP2 1 Delete 6 ExtendDB \
         3 Init2 7 Insert 807 MacroBegin 26 MacroCommit 26 MacroInfo 26 NOP2 14 \
         RecoveryQuit2 1 RecoveryUndo2 1 Replace 25 SetExternalHeader 2 ShutDownMark 6 \
         Split2 51 Term2 5",
    ),
    (
        "srum-win10-rathbun/after",
        7,
        "AttachDB 3 Begin 833 Begin0 10 Commit 937 Commit0 10 ConvertFDP2 5 \
         CreateSingleExtentFDP 15 Delete 11 ExtendDB 7 FlagDelete 5 \
         FlagInsertAndReplaceData 1 Init2 4 Insert 1879 MacroBegin 45 MacroCommit 45 \
         MacroInfo 45 NOP2 9 NewPage 70 RecoveryQuit2 1 RecoveryUndo2 1 Replace 37 Rollback \
         1 SetDbVersion 3 SetExternalHeader 26 ShutDownMark 5 Split2 83 Term2 4 Trace 30 \
         Undo 62 UndoInfo 1",
    ),
    (
        "srum-win10-rathbun/before",
        7,
        "AttachDB 3 Begin 833 Begin0 10 Commit 937 Commit0 10 ConvertFDP2 5 \
         CreateSingleExtentFDP 15 Delete 11 ExtendDB 7 FlagDelete 5 \
         FlagInsertAndReplaceData 1 Init2 3 Insert 1879 MacroBegin 45 MacroCommit 45 \
         MacroInfo 45 NOP2 8 NewPage 70 RecoveryQuit2 1 RecoveryUndo2 1 Replace 37 Rollback \
         1 SetDbVersion 3 SetExternalHeader 26 ShutDownMark 4 Split2 83 Term2 3 Trace 30 \
         Undo 62 UndoInfo 1",
    ),
    (
        "srum-win11-rathbun-2202/after",
        4,
        "AttachDB 2 Begin 417 Begin0 6 Commit 444 Commit0 7 ConvertFDP2 3 \
         CreateSingleExtentFDP 6 Delete 6 ExtendDB 2 FlagDelete 2 Init2 3 Insert 1044 \
         MacroBegin 22 MacroCommit 23 MacroInfo 23 NOP2 6 NewPage 34 Replace 18 \
         SetDbVersion 2 SetExternalHeader 29 ShutDownMark 4 Split2 42 Term2 4 Trace 12",
    ),
    (
        "srum-win11-rathbun-2202/before",
        4,
        "AttachDB 2 Begin 417 Begin0 6 Commit 444 Commit0 7 ConvertFDP2 3 \
         CreateSingleExtentFDP 6 Delete 6 ExtendDB 2 FlagDelete 2 Init2 2 Insert 1044 \
         MacroBegin 22 MacroCommit 23 MacroInfo 23 NOP2 5 NewPage 34 Replace 18 \
         SetDbVersion 2 SetExternalHeader 29 ShutDownMark 3 Split2 42 Term2 3 Trace 12",
    ),
];

#[test]
fn logs_have_as_many_records_of_each_type_as_counted() {
    let Some(corpus) = testkit::corpus() else { return };
    let mut all = BTreeMap::<String, usize>::new();
    for &(folder, logs, expected) in COUNTS {
        let mut counts = BTreeMap::<String, usize>::new();
        let mut found = 0;
        for file in std::fs::read_dir(corpus.unpacked().join(folder)).unwrap() {
            let path = file.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy();
            if !name.ends_with(".log") || name.contains("tmp") {
                continue;
            }
            found += 1;
            for (_, bytes) in walk::records(&std::fs::read(&path).unwrap()).1 {
                let kind = walk::parse(&bytes).kind().to_string();
                *counts.entry(kind.clone()).or_default() += 1;
                *all.entry(kind).or_default() += 1;
            }
        }
        let text: Vec<String> = counts.iter().map(|(kind, n)| format!("{kind} {n}")).collect();
        assert_eq!((found, text.join(" ").as_str()), (logs, expected), "{folder}");
    }
    for (kind, count) in &all {
        eprintln!("{count:7} {kind}");
    }
}
