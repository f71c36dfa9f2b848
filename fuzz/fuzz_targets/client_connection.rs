#![no_main]
//! A client's connection with calls in flight, under whatever a hostile server sends.

use bytes::Bytes;
use dcerpc::client::{ClientConfig, ClientConnection};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let mut connection = ClientConnection::new(ClientConfig::default());
    let Ok(context) = connection.bind(ntdsb::idl::backup::INTERFACE) else { return };
    let mut rest = data;
    while !rest.is_empty() {
        let mut count = 0;
        for buffer in connection.recv_buffers() {
            let length = buffer.len().min(rest.len());
            buffer[..length].copy_from_slice(&rest[..length]);
            rest = &rest[length..];
            count += length;
        }
        if count == 0 || connection.received(count).is_err() {
            break;
        }
        while connection.poll_event().is_some() {}
        if connection.in_flight() < 4 {
            let _ = connection.call(context, 4, Bytes::from_static(&[0; 40]));
        }
        let written = connection.output().map(<[u8]>::len).sum();
        connection.written(written);
    }
});
