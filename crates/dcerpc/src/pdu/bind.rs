//! Bodies of bind, alter_context and their answers.
//!
//! ```text
//! bind, alter_context               bind_ack, alter_context_resp
//! 16  2  max_xmit_frag              16  2  max_xmit_frag
//! 18  2  max_recv_frag              18  2  max_recv_frag
//! 20  4  assoc_group_id             20  4  assoc_group_id
//! 24  1  n_context_elem             24  2  length of sec_addr, NUL included
//! 25  3  reserved                   26     sec_addr, then pad to 4
//! 28     per context:                      n_results, 3 reserved
//!         0  2  p_cont_id                  per result:
//!         2  1  n_transfer_syn              0  2  result
//!         3  1  reserved                    2  2  reason
//!         4 20  abstract syntax             4 20  transfer syntax
//!        24 20  per transfer syntax
//!
//! bind_nak
//! 16  2  reason
//! 18  1  number of versions, each {major, minor}; what follows is ignored
//! ```
//!
//! Source: C706 12.6.4.1 to 12.6.4.5; [MS-RPCE] 2.2.2.4 to 2.2.2.9.

use alloc::vec::Vec;

use crate::error::Error;
use crate::fault::BindNakReason;
use crate::pdu::wire::{Reader, Writer};
use crate::{ContextId, SyntaxId};

/// The context is accepted.
pub const RESULT_ACCEPTANCE: u16 = 0;
/// The server's user refuses the context.
pub const RESULT_USER_REJECTION: u16 = 1;
/// The server's runtime refuses the context.
pub const RESULT_PROVIDER_REJECTION: u16 = 2;
/// Answer to bind-time feature negotiation; the reason holds the granted bits.
pub const RESULT_NEGOTIATE_ACK: u16 = 3;

/// No reason.
pub const REASON_NOT_SPECIFIED: u16 = 0;
/// The interface is not offered here.
pub const REASON_ABSTRACT_SYNTAX: u16 = 1;
/// None of the transfer syntaxes is spoken here.
pub const REASON_TRANSFER_SYNTAXES: u16 = 2;
/// Too many contexts.
pub const REASON_LOCAL_LIMIT: u16 = 3;

/// Body of bind and alter_context.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bind {
    /// Largest fragment the client wants to send, bytes.
    pub max_xmit_frag: u16,
    /// Largest fragment the client wants to receive, bytes.
    pub max_recv_frag: u16,
    /// The association group to join; 0 for a new one.
    pub assoc_group_id: u32,
    /// The proposed contexts; at most 255.
    pub contexts: Vec<ContextElement>,
}

/// One proposed presentation context.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContextElement {
    /// Its number.
    pub id: ContextId,
    /// The interface.
    pub abstract_syntax: SyntaxId,
    /// The encodings the client speaks; at most 255.
    pub transfer_syntaxes: Vec<SyntaxId>,
}

/// Body of bind_ack and alter_context_resp.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BindAck {
    /// Largest fragment the server sends, bytes.
    pub max_xmit_frag: u16,
    /// Largest fragment the server receives, bytes.
    pub max_recv_frag: u16,
    /// The association group.
    pub assoc_group_id: u32,
    /// Where further connections can be made, with its NUL; may be empty.
    pub secondary_address: Vec<u8>,
    /// One result per proposed context, in their order; at most 255.
    pub results: Vec<ContextResult>,
}

/// The answer to one proposed context.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ContextResult {
    /// One of the `RESULT_` values.
    pub result: u16,
    /// One of the `REASON_` values, or granted feature bits.
    pub reason: u16,
    /// The chosen encoding; zeros in a rejection.
    pub transfer_syntax: SyntaxId,
}

/// Body of bind_nak.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BindNak {
    /// Why.
    pub reason: BindNakReason,
    /// The versions that the server speaks; at most 255.
    pub versions: Vec<[u8; 2]>,
}

impl BindNak {
    /// A refusal that names version 5.0.
    pub fn new(reason: BindNakReason) -> Self {
        Self { reason, versions: Vec::from([[5, 0]]) }
    }

    pub(crate) fn parse(reader: &mut Reader<'_>) -> Result<Self, Error> {
        let reason = BindNakReason(reader.u16()?);
        let mut versions = Vec::new();
        // Some servers end after the reason.
        if !reader.is_empty() {
            for _ in 0..reader.u8()? {
                versions.push(reader.array()?);
            }
        }
        Ok(Self { reason, versions })
    }

    pub(crate) fn write(&self, writer: &mut Writer) -> Option<()> {
        writer.u16(self.reason.0);
        writer.u8(u8::try_from(self.versions.len()).ok()?);
        for version in &self.versions {
            writer.bytes(version);
        }
        writer.pad(writer.gap4());
        Some(())
    }
}

impl Bind {
    pub(crate) fn parse(reader: &mut Reader<'_>) -> Result<Self, Error> {
        let max_xmit_frag = reader.u16()?;
        let max_recv_frag = reader.u16()?;
        let assoc_group_id = reader.u32()?;
        let [count, ..] = reader.array::<4>()?;
        let mut contexts = Vec::new();
        for _ in 0..count {
            let id = ContextId(reader.u16()?);
            let [transfers, _] = reader.array::<2>()?;
            let abstract_syntax = reader.syntax()?;
            let mut transfer_syntaxes = Vec::new();
            for _ in 0..transfers {
                transfer_syntaxes.push(reader.syntax()?);
            }
            contexts.push(ContextElement { id, abstract_syntax, transfer_syntaxes });
        }
        Ok(Self { max_xmit_frag, max_recv_frag, assoc_group_id, contexts })
    }

    pub(crate) fn write(&self, writer: &mut Writer) -> Option<()> {
        writer.u16(self.max_xmit_frag);
        writer.u16(self.max_recv_frag);
        writer.u32(self.assoc_group_id);
        writer.u8(u8::try_from(self.contexts.len()).ok()?);
        writer.pad(3);
        for context in &self.contexts {
            writer.u16(context.id.0);
            writer.u8(u8::try_from(context.transfer_syntaxes.len()).ok()?);
            writer.u8(0);
            writer.syntax(&context.abstract_syntax);
            for syntax in &context.transfer_syntaxes {
                writer.syntax(syntax);
            }
        }
        Some(())
    }
}

impl BindAck {
    pub(crate) fn parse(reader: &mut Reader<'_>) -> Result<Self, Error> {
        let max_xmit_frag = reader.u16()?;
        let max_recv_frag = reader.u16()?;
        let assoc_group_id = reader.u32()?;
        let length = reader.u16()?;
        let secondary_address = reader.bytes(usize::from(length))?.to_vec();
        reader.align4();
        let [count, ..] = reader.array::<4>()?;
        let mut results = Vec::new();
        for _ in 0..count {
            results.push(ContextResult {
                result: reader.u16()?,
                reason: reader.u16()?,
                transfer_syntax: reader.syntax()?,
            });
        }
        Ok(Self { max_xmit_frag, max_recv_frag, assoc_group_id, secondary_address, results })
    }

    pub(crate) fn write(&self, writer: &mut Writer) -> Option<()> {
        writer.u16(self.max_xmit_frag);
        writer.u16(self.max_recv_frag);
        writer.u32(self.assoc_group_id);
        writer.u16(u16::try_from(self.secondary_address.len()).ok()?);
        writer.bytes(&self.secondary_address);
        writer.pad(writer.gap4());
        writer.u8(u8::try_from(self.results.len()).ok()?);
        writer.pad(3);
        for result in &self.results {
            writer.u16(result.result);
            writer.u16(result.reason);
            writer.syntax(&result.transfer_syntax);
        }
        Some(())
    }
}
