//! When records count: headers against records that create, attach and detach.

use ese_format::log::record::SessionId;

use super::*;
use crate::recovery::handmade::{DATABASE, at, clean, dirty, log_header, signature};

const PATH: &[u8] = b"C:\\db\0";

fn attach(consistent: &str, of: u32, log: u32) -> DatabaseRecord<'static> {
    DatabaseRecord {
        database: DATABASE,
        action: DatabaseAction::Attach {
            session: SessionId(1),
            max_pages: 0,
            consistent: at(consistent),
            signature: signature(of),
            log_signature: signature(log),
            flags: 0,
            path: PATH,
        },
    }
}

fn create(of: u32, version: Option<(u16, u16)>) -> DatabaseRecord<'static> {
    DatabaseRecord {
        database: DATABASE,
        action: DatabaseAction::Create {
            session: SessionId(1),
            grbit: 0,
            max_pages: 0,
            signature: signature(of),
            flags: 4,
            version,
            path: PATH,
        },
    }
}

fn start(header: &DatabaseHeader) -> Attachment {
    Attachment::at_start(Some(header), DATABASE, LogGeneration(0))
}

fn begin(
    attachment: &mut Attachment,
    position: &str,
    record: &DatabaseRecord<'_>,
) -> Result<Effect, AttachError> {
    let position = at(position);
    let log = log_header(position.generation.0);
    attachment.begin(Here { position, log: &log }, record)
}

#[test]
fn a_dirty_database_counts_from_its_attachment_on() {
    let mut attachment = start(&dirty());
    assert!(attachment.is_ours(DATABASE));
    assert!(!attachment.is_replayed(DATABASE, at("2:1:100")));
    assert!(attachment.is_replayed(DATABASE, at("2:1:101")));
    assert!(!attachment.is_replayed(DatabaseId(2), at("3:1:0")));
    assert!(attachment.has_future(LogGeneration(3)) && !attachment.has_future(LogGeneration(4)));
    // The records of its earlier life, and the one that attached it.
    assert_eq!(begin(&mut attachment, "1:5:0", &attach("1:1:0", 5, 77)), Ok(Effect::None));
    assert_eq!(begin(&mut attachment, "2:1:100", &attach("1:1:0", 5, 77)), Ok(Effect::Attached));
    assert_eq!(attachment.header().unwrap().max_required, LogGeneration(3));
}

#[test]
fn a_clean_database_is_attached_where_it_was_consistent() {
    let record = attach("1:9:50", 5, 77);
    for (position, expected) in [("2:1:60", Ok(Effect::Attached)), ("1:1:0", Ok(Effect::None))] {
        let mut attachment = start(&clean());
        assert!(!attachment.is_attached(at("9:1:0")));
        assert_eq!(begin(&mut attachment, position, &record), expected, "{position}");
        assert_eq!(
            attachment.is_replayed(DATABASE, at("2:1:61")),
            expected == Ok(Effect::Attached)
        );
    }
    let mut attachment = start(&clean());
    begin(&mut attachment, "4:1:60", &record).unwrap();
    let header = attachment.header().unwrap();
    assert!(header.is_dirty());
    assert_eq!(header.attach_position, at("4:1:60"));
    assert_eq!((header.min_required, header.max_required), (LogGeneration(4), LogGeneration(4)));
    assert!(attachment.has_future(LogGeneration(4)) && !attachment.has_future(LogGeneration(5)));
}

#[test]
fn logs_that_do_not_fit_the_database_are_refused() {
    let mut older = clean();
    older.consistent_position = at("1:3:0");
    let found = at("1:3:0");
    let mismatch = AttachError::Consistent { logged: at("1:9:50"), found };
    let record = attach("1:9:50", 5, 77);
    assert_eq!(begin(&mut start(&older), "2:1:60", &record), Err(mismatch));
    // Detached later: a later record will attach it.
    let mut later = clean();
    later.consistent_position = at("3:1:0");
    assert_eq!(begin(&mut start(&later), "2:1:60", &record), Ok(Effect::None));
    // Another database in its place.
    let mut attachment = start(&dirty());
    assert_eq!(begin(&mut attachment, "3:1:0", &attach("1:9:50", 6, 77)), Ok(Effect::None));
    assert!(!attachment.is_ours(DATABASE));
    assert_eq!(attachment.others()[&DATABASE].path, "C:\\db");
    // A stream that it never belonged to.
    assert_eq!(begin(&mut start(&clean()), "2:1:60", &attach("1:9:50", 5, 1)), {
        let found = at("1:2:0");
        Err(AttachError::Attached { found })
    });
    let mut needs_more = dirty();
    needs_more.min_required = LogGeneration(1);
    let error = begin(&mut start(&needs_more), "2:1:100", &attach("1:1:0", 5, 77));
    assert_eq!(error, Err(AttachError::LogsMissing { needed: LogGeneration(1) }));
    assert_eq!(error.unwrap_err().jet_code(), -543);
}

#[test]
fn a_database_of_another_stream_joins_this_one() {
    let mut foreign = clean();
    foreign.log_signature = signature(9);
    foreign.consistent_position = at("1:1:0");
    let mut attachment = start(&foreign);
    assert_eq!(begin(&mut attachment, "2:1:60", &attach("1:1:0", 5, 9)), Ok(Effect::Attached));
    let header = attachment.header().unwrap();
    assert_eq!(header.log_signature, signature(77));
    assert!(header.consistent_position.is_unset());
    // The same once the header says so: attached by that record.
    let again = header.clone();
    let mut attachment = start(&again);
    assert_eq!(begin(&mut attachment, "2:1:60", &attach("1:1:0", 5, 9)), Ok(Effect::Attached));
    assert_eq!(begin(&mut start(&foreign), "2:1:60", &attach("1:1:1", 5, 9)), {
        let (logged, found) = (at("1:1:1"), at("1:1:0"));
        Err(AttachError::Consistent { logged, found })
    });
    assert_eq!(begin(&mut start(&foreign), "2:1:60", &attach("1:1:0", 5, 8)), Ok(Effect::None));
}

#[test]
fn a_database_is_created_from_nothing() {
    let mut attachment = Attachment::at_start(None, DATABASE, LogGeneration(0));
    let old = begin(&mut attachment, "1:1:200", &create(5, None));
    assert_eq!(old, Err(AttachError::ContentNotLogged));
    let created = begin(&mut attachment, "1:1:200", &create(5, Some((2, 0))));
    assert_eq!(created, Ok(Effect::Created));
    let header = attachment.header().unwrap().clone();
    assert_eq!((header.state, header.dbid), (DatabaseState::JUST_CREATED, 1));
    assert_eq!((header.version, header.update_major, header.dbtime), (0x620, 20, DbTime(0x40)));
    assert_eq!((header.signature, header.log_signature), (signature(5), signature(77)));
    assert!(attachment.is_replayed(DATABASE, at("1:1:201")));
    assert!(!attachment.has_future(LogGeneration(1)));
    let log = log_header(1);
    attachment.finish_create(Here { position: at("1:2:0"), log: &log }, DATABASE);
    assert!(attachment.header().unwrap().is_dirty());
    // One that is not finished is created again; one that is finished is not.
    let mut again = start(&header);
    let made = begin(&mut again, "1:1:200", &create(5, Some((2, 0))));
    assert_eq!(made, Ok(Effect::Created));
    let mut header = attachment.header().unwrap().clone();
    let made = begin(&mut start(&header), "1:1:200", &create(5, Some((2, 0))));
    assert_eq!(made, Ok(Effect::Attached));
    header.consistent_position = at("1:9:0");
    header.state = DatabaseState::CLEAN_SHUTDOWN;
    let made = begin(&mut start(&header), "1:1:200", &create(5, Some((2, 0))));
    assert_eq!(made, Ok(Effect::None));
    let other = begin(&mut start(&header), "1:1:200", &create(6, Some((2, 0))));
    assert_eq!(other, Ok(Effect::None));
}

#[test]
fn it_is_clean_where_it_is_detached() {
    let log = log_header(3);
    let here = |position| Here { position: at(position), log: &log };
    let mut attachment = start(&dirty());
    assert_eq!(attachment.detach(here("2:1:50"), DATABASE), Effect::None);
    assert_eq!(attachment.detach(here("3:1:50"), DatabaseId(2)), Effect::None);
    assert_eq!(attachment.detach(here("3:1:50"), DATABASE), Effect::Detached);
    let header = attachment.header().unwrap();
    assert!(header.is_clean());
    assert_eq!(header.consistent_position, at("3:1:50"));
    assert_eq!((header.min_required, header.max_required), (LogGeneration(0), LogGeneration(0)));
    // And is attached again from there.
    let again = begin(&mut attachment, "3:2:0", &attach("3:1:50", 5, 77));
    assert_eq!(again, Ok(Effect::Attached));
    assert_eq!(attachment.end_instance(here("3:3:0"), at("3:2:9")), Effect::Detached);
    assert_eq!(attachment.header().unwrap().consistent_position, at("3:2:9"));
    assert_eq!(attachment.end_instance(here("3:3:0"), at("3:2:9")), Effect::None);
    // The end of an instance before its last attachment is none of its own.
    let mut attachment = start(&dirty());
    assert_eq!(attachment.end_instance(here("2:1:0"), at("2:0:0")), Effect::None);
    assert!(attachment.is_attached(at("3:1:0")));
}
