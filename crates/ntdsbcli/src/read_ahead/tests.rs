//! Read-ahead against a service in memory.

use std::collections::BTreeMap;

use ntdsb::HResult;
use proptest::prelude::*;

use super::*;

/// A file, and what was asked of it.
struct Service {
    content: Vec<u8>,
    damaged: Option<u64>,
    cancel_next: bool,
    calls: BTreeMap<u32, u64>,
    sent: u32,
    most: usize,
    most_bytes: u64,
    discarded: usize,
}

impl Service {
    fn new(len: usize) -> Self {
        let content = (0..len).map(|at| u8::try_from(at / 977 % 251).unwrap()).collect();
        Service {
            content,
            damaged: None,
            cancel_next: false,
            calls: BTreeMap::new(),
            sent: 0,
            most: 0,
            most_bytes: 0,
            discarded: 0,
        }
    }
}

impl Reads for Service {
    type Call = u32;
    type Unit = Vec<u8>;

    fn submit(&mut self, offset: u64, length: u32) -> Result<u32, Error> {
        assert!(offset.is_multiple_of(8192) && length.is_multiple_of(8192) && length > 0);
        assert!(offset < self.content.len() as u64);
        self.sent += 1;
        self.calls.insert(self.sent, offset);
        self.most = self.most.max(self.calls.len());
        self.most_bytes = self.most_bytes.max(self.calls.len() as u64 * u64::from(length));
        Ok(self.sent)
    }

    fn wait(
        &mut self,
        call: u32,
        offset: u64,
        length: u32,
        expected: u32,
    ) -> Result<Vec<u8>, Error> {
        assert_eq!(self.calls.remove(&call), Some(offset));
        assert!(expected <= length);
        if std::mem::take(&mut self.cancel_next) {
            return Err(Error::Cancelled { function: "DsBackupRead" });
        }
        let end = offset + u64::from(expected);
        if self.damaged.is_some_and(|at| (offset..end).contains(&at)) {
            let code = HResult::HR_READ_VERIFY_FAILURE;
            return Err(Error::Refused { server: "x".into(), function: "DsBackupRead", code });
        }
        let range = usize::try_from(offset).unwrap()..usize::try_from(end).unwrap();
        Ok(self.content[range].to_vec())
    }

    fn discard(&mut self, call: u32) {
        assert!(self.calls.remove(&call).is_some());
        self.discarded += 1;
    }
}

fn open(service: &Service, hint: u32) -> ReadAhead<u32, Vec<u8>> {
    ReadAhead::new(service.content.len() as u64, hint, 4 << 20, true)
}

fn read_all(service: &mut Service, hint: u32, buffer: usize) -> Vec<usize> {
    let mut reading = open(service, hint);
    let (mut all, mut counts) = (Vec::new(), Vec::new());
    let mut buffer = vec![0; buffer];
    loop {
        let count = reading.read(service, &mut buffer).unwrap();
        if count == 0 {
            break;
        }
        all.extend_from_slice(&buffer[..count]);
        counts.push(count);
    }
    assert_eq!(reading.read(service, &mut buffer).unwrap(), 0, "the end repeats");
    assert!(all == service.content, "content");
    assert!(service.calls.is_empty());
    counts
}

proptest! {
    #[test]
    fn every_read_delivers_the_file_in_whole_pages(
        len in 0usize..600_000,
        hint in 3u32..40,
        buffer in 3usize..40,
    ) {
        let mut service = Service::new(len);
        let counts = read_all(&mut service, hint * GRAIN, buffer * GRAIN as usize);
        if let Some((_, all_but_last)) = counts.split_last() {
            for &count in all_but_last {
                prop_assert!(count.is_multiple_of(8192));
                prop_assert!(count >= BUFFER_MIN.min(buffer * 8192));
            }
        }
        prop_assert!(service.most <= DEPTH);
    }
}

#[test]
fn units_follow_the_hint_within_their_bounds() {
    assert_eq!(unit_size(24576, 4 << 20), 64 << 10);
    assert_eq!(unit_size(200_000, 4 << 20), 192 << 10);
    assert_eq!(unit_size(u32::MAX - 8191, 4 << 20), 4 << 20);
    assert_eq!(unit_size(1 << 20, 100_000), 98_304);
    assert_eq!(unit_size(1 << 20, 0), 8192);
}

#[test]
fn what_is_ahead_of_the_caller_is_bounded() {
    for hint in [24576, 64 << 10, 1 << 20, 2 << 20, 4 << 20] {
        let mut service = Service::new(40 << 20);
        let mut reading = open(&service, hint);
        reading.available(&mut service).unwrap();
        let unit = u64::from(unit_size(hint, 4 << 20));
        assert!(service.most_bytes + unit <= AHEAD_MAX, "{hint}");
        assert!(service.most >= 1 && service.most <= DEPTH);
        reading.abandon(&mut service);
    }
}

#[test]
fn one_unit_at_a_time_where_the_service_takes_no_more() {
    let mut service = Service::new(1 << 20);
    let mut reading = ReadAhead::new(1 << 20, 65536, 4 << 20, false);
    let mut buffer = vec![0; 65536];
    while reading.read(&mut service, &mut buffer).unwrap() > 0 {}
    assert_eq!(service.most, 1);
}

#[test]
fn an_error_comes_at_its_position_and_repeats() {
    let mut service = Service::new(512 << 10);
    service.damaged = Some(200 << 10);
    let mut reading = open(&service, 65536);
    let mut buffer = vec![0; 128 << 10];
    let mut good = 0;
    let code = loop {
        match reading.read(&mut service, &mut buffer) {
            Ok(count) => good += count,
            Err(error) => break error.code(),
        }
    };
    assert_eq!(good, 200 << 10, "everything before the damaged page");
    assert_eq!(code, HResult::HR_READ_VERIFY_FAILURE);
    for _ in 0..3 {
        let error = reading.read(&mut service, &mut buffer).unwrap_err();
        assert_eq!(error.code(), HResult::HR_READ_VERIFY_FAILURE);
    }
    reading.abandon(&mut service);
    assert!(service.calls.is_empty());
}

#[test]
fn units_are_taken_whole_or_from_where_reading_stopped() {
    let mut service = Service::new(500_000);
    let mut reading = open(&service, 65536);
    let mut buffer = vec![0; 40_000];
    let mut all = Vec::new();
    for turn in 0.. {
        if turn % 3 == 1 {
            let count = reading.read(&mut service, &mut buffer).unwrap();
            all.extend_from_slice(&buffer[..count]);
        }
        let Some((unit, used)) = reading.take(&mut service).unwrap() else { break };
        assert!(used < unit.len());
        all.extend_from_slice(&unit[used..]);
    }
    assert!(all == service.content && service.calls.is_empty());
    assert!(reading.take(&mut service).unwrap().is_none(), "the end repeats");
    assert!(service.most <= DEPTH);
}

#[test]
fn units_before_a_damaged_page_are_taken_and_the_error_repeats() {
    let mut service = Service::new(512 << 10);
    service.damaged = Some(200 << 10);
    let mut reading = open(&service, 65536);
    let mut good = 0;
    while let Ok(taken) = reading.take(&mut service) {
        good += taken.map_or(0, |(unit, used)| unit.len() - used);
    }
    assert_eq!(good, 200 << 10);
    let code = reading.take(&mut service).unwrap_err().code();
    assert_eq!(code, HResult::HR_READ_VERIFY_FAILURE);
    reading.abandon(&mut service);
}

#[test]
fn a_cancelled_read_can_be_repeated() {
    let mut service = Service::new(512 << 10);
    let mut reading = open(&service, 65536);
    let mut buffer = vec![0; 65536];
    let mut all = Vec::new();
    loop {
        service.cancel_next = all.len() == 128 << 10 && service.discarded == 0;
        match reading.read(&mut service, &mut buffer) {
            Ok(0) => break,
            Ok(count) => all.extend_from_slice(&buffer[..count]),
            Err(error) => assert_eq!(error.code(), HResult::ERROR_CANCELLED),
        }
    }
    assert!(all == service.content && service.discarded == DEPTH - 1);
}

#[test]
fn a_read_that_is_cancelled_halfway_has_delivered_nothing() {
    let mut service = Service::new(512 << 10);
    let mut reading = open(&service, 65536);
    // Not even a whole number of pages was read before.
    reading.available(&mut service).unwrap();
    reading.consume(40_001);
    let mut buffer = vec![0; 65536];
    // 25535 bytes are left of the first unit; for a full buffer the second one is waited for.
    service.cancel_next = true;
    let mut small = vec![0; 24576];
    assert_eq!(reading.read(&mut service, &mut small).unwrap(), 24576);
    assert!(reading.read(&mut service, &mut buffer).is_err());
    let mut all = service.content[..64577].to_vec();
    loop {
        match reading.read(&mut service, &mut buffer).unwrap() {
            0 => break,
            count => all.extend_from_slice(&buffer[..count]),
        }
    }
    assert!(all == service.content);
}

#[test]
fn closing_early_gives_up_what_is_in_flight() {
    let mut service = Service::new(1 << 20);
    let mut reading = open(&service, 65536);
    reading.fill(&mut service).unwrap();
    assert_eq!(service.calls.len(), DEPTH);
    reading.abandon(&mut service);
    assert_eq!((service.calls.len(), service.discarded), (0, DEPTH));
}

#[test]
fn api_080_a_file_of_no_bytes_ends_at_once() {
    let mut service = Service::new(0);
    assert!(read_all(&mut service, 65536, 65536).is_empty());
    assert_eq!(service.sent, 0);
}
