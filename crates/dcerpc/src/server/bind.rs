//! bind and alter_context: fragment size, association group, presentation contexts, features.
//!
//! Source: C706 12.6.4.3 to 12.6.4.5; [MS-RPCE] 3.3.1.5.3 (features), 3.3.3.5.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;

use crate::association::{AssociationGroupId, AssociationGroups};
use crate::error::Error;
use crate::fault::{BindNakReason, FaultStatus};
use crate::pdu::{
    Bind, BindAck, Body, ContextElement, ContextResult, Header, PacketType, Pdu, PfcFlags,
    REASON_ABSTRACT_SYNTAX, REASON_LOCAL_LIMIT, REASON_NOT_SPECIFIED, REASON_TRANSFER_SYNTAXES,
    RESULT_ACCEPTANCE, RESULT_NEGOTIATE_ACK, RESULT_PROVIDER_REJECTION,
};
use crate::server::{ServerConnection, State};
use crate::{
    ContextId, FEATURE_KEEP_CONNECTION_ON_ORPHAN, FEATURE_SECURITY_CONTEXT_MULTIPLEXING, Interface,
    SyntaxId, limits,
};

/// Features that are granted when asked for.
const FEATURES: u64 = FEATURE_SECURITY_CONTEXT_MULTIPLEXING | FEATURE_KEEP_CONNECTION_ON_ORPHAN;

/// Why a bind or alter_context is refused as a whole.
type Refusal = (BindNakReason, Error);

/// What the contexts of a bind or alter_context lead to.
struct Negotiated {
    results: Vec<ContextResult>,
    contexts: BTreeMap<ContextId, usize>,
    features: Option<u64>,
}

impl ServerConnection {
    pub(super) fn bind(
        &mut self,
        header: &Header,
        bytes: &[u8],
        now: u64,
        groups: Option<&mut AssociationGroups>,
    ) {
        if self.state != State::Accepted {
            let error = Error::Unexpected { packet: header.packet, state: "a second time" };
            return self.nak(header, BindNakReason::NOT_SPECIFIED, error, now);
        }
        match self.accept_bind(header, bytes, groups) {
            Ok(ack) => {
                self.note_write(now);
                let flags = match self.multiplexed {
                    true => PfcFlags::CONC_MPX,
                    false => PfcFlags::default(),
                };
                let pdu = Pdu::new(header.call_id, Body::BindAck(ack)).with_flags(flags);
                self.send(&pdu);
                self.state = State::Bound;
            }
            Err((reason, error)) => self.nak(header, reason, error, now),
        }
    }

    pub(super) fn alter(&mut self, header: &Header, bytes: &[u8], now: u64) {
        match self.accept_alter(bytes) {
            Ok(ack) => {
                self.note_write(now);
                self.send(&Pdu::new(header.call_id, Body::AlterContextResp(ack)));
            }
            Err((status, error)) => {
                let flags = PfcFlags::DID_NOT_EXECUTE;
                self.fatal(header.call_id, ContextId(0), status, flags, now, error);
            }
        }
    }

    fn accept_bind(
        &mut self,
        header: &Header,
        bytes: &[u8],
        groups: Option<&mut AssociationGroups>,
    ) -> Result<BindAck, Refusal> {
        if let Some(reason) = self.refuse {
            return Err((reason, Error::BindNak(reason)));
        }
        let malformed = |error| (BindNakReason::PROTOCOL_VERSION_NOT_SUPPORTED, error);
        let pdu = Pdu::parse(bytes).map_err(malformed)?;
        let Body::Bind(bind) = pdu.body else {
            return Err(malformed(Error::Violation("not a bind")));
        };
        if pdu.auth.is_some() {
            // The transport identifies its peers, and no mechanism is offered on top of it.
            let reason = BindNakReason::AUTHENTICATION_TYPE_NOT_RECOGNIZED;
            return Err((reason, Error::BindNak(reason)));
        }
        if bind.contexts.is_empty() {
            return Err(malformed(Error::Violation("a bind without contexts")));
        }
        let negotiated =
            self.negotiate(&bind, true).map_err(|error| (BindNakReason::NOT_SPECIFIED, error))?;
        let group = self.association(bind.assoc_group_id, groups)?;
        self.group = Some(group);
        self.max_fragment = granted_fragment(bind.max_xmit_frag, bind.max_recv_frag);
        self.multiplexed = header.flags.has(PfcFlags::CONC_MPX);
        self.features = negotiated.features.unwrap_or(0);
        self.contexts = negotiated.contexts;
        let mut secondary_address = self.config.secondary_address.clone();
        secondary_address.push(0);
        Ok(self.ack(secondary_address, negotiated.results))
    }

    fn accept_alter(&mut self, bytes: &[u8]) -> Result<BindAck, (FaultStatus, Error)> {
        let protocol = |error| (FaultStatus::PROTOCOL_ERROR, error);
        let pdu = Pdu::parse(bytes).map_err(protocol)?;
        let Body::AlterContext(alter) = pdu.body else {
            return Err(protocol(Error::Violation("not an alter_context")));
        };
        if pdu.auth.is_some() {
            let error = Error::BindNak(BindNakReason::AUTHENTICATION_TYPE_NOT_RECOGNIZED);
            return Err((FaultStatus::ACCESS_DENIED, error));
        }
        if alter.contexts.is_empty() {
            return Err(protocol(Error::Violation("an alter_context without contexts")));
        }
        let negotiated = self.negotiate(&alter, false).map_err(protocol)?;
        self.contexts = negotiated.contexts;
        Ok(self.ack(Vec::new(), negotiated.results))
    }

    fn ack(&self, secondary_address: Vec<u8>, results: Vec<ContextResult>) -> BindAck {
        BindAck {
            max_xmit_frag: self.max_fragment,
            max_recv_frag: self.max_fragment,
            assoc_group_id: self.group.map_or(0, |group| group.0),
            secondary_address,
            results,
        }
    }

    fn association(
        &self,
        wanted: u32,
        groups: Option<&mut AssociationGroups>,
    ) -> Result<AssociationGroupId, Refusal> {
        let refused = |reason| (reason, Error::BindNak(reason));
        let principal =
            self.security.principal().ok_or(refused(BindNakReason::AUTHENTICATION_FAILED))?;
        let groups = groups.ok_or(refused(BindNakReason::NOT_SPECIFIED))?;
        if wanted == 0 {
            return groups.create(principal).ok_or(refused(BindNakReason::LOCAL_LIMIT_EXCEEDED));
        }
        let id = AssociationGroupId(wanted);
        if groups.join(id, &principal) {
            Ok(id)
        } else {
            Err(refused(BindNakReason::NOT_SPECIFIED))
        }
    }

    /// Answers each proposed context in order. Only one new context is accepted at a time.
    fn negotiate(&self, bind: &Bind, first: bool) -> Result<Negotiated, Error> {
        let mut negotiated = Negotiated {
            results: Vec::with_capacity(bind.contexts.len()),
            contexts: self.contexts.clone(),
            features: None,
        };
        let mut accepted_one = false;
        for element in &bind.contexts {
            let proposed = element.transfer_syntaxes.first().ok_or(Error::Malformed {
                packet: if first { PacketType::BIND } else { PacketType::ALTER_CONTEXT },
                what: "a context without transfer syntaxes",
            })?;
            if first && let Some(bits) = proposed.feature_bits() {
                let granted = bits & FEATURES;
                if negotiated.features.replace(granted).is_some() {
                    return Err(Error::Violation("bind-time features are negotiated twice"));
                }
                let reason = u16::try_from(granted).unwrap_or(0);
                negotiated.results.push(result(RESULT_NEGOTIATE_ACK, reason, SyntaxId::NONE));
                continue;
            }
            let answer = self.answer(element, &mut negotiated.contexts, &mut accepted_one)?;
            negotiated.results.push(answer);
        }
        Ok(negotiated)
    }

    fn answer(
        &self,
        element: &ContextElement,
        contexts: &mut BTreeMap<ContextId, usize>,
        accepted_one: &mut bool,
    ) -> Result<ContextResult, Error> {
        let ndr20 = SyntaxId::ndr20();
        let speaks = element.transfer_syntaxes.contains(&ndr20);
        let accepted = result(RESULT_ACCEPTANCE, REASON_NOT_SPECIFIED, ndr20);
        let rejected = |reason| result(RESULT_PROVIDER_REJECTION, reason, SyntaxId::NONE);
        if let Some(interface) = contexts.get(&element.id) {
            let same = self
                .config
                .interfaces
                .get(*interface)
                .is_some_and(|interface| serves(interface, &element.abstract_syntax));
            if !same || !speaks {
                return Err(Error::Violation("a presentation context changes its meaning"));
            }
            return Ok(accepted);
        }
        let interface = self
            .config
            .interfaces
            .iter()
            .position(|interface| serves(interface, &element.abstract_syntax));
        let Some(interface) = interface else {
            return Ok(rejected(REASON_ABSTRACT_SYNTAX));
        };
        if !speaks || *accepted_one {
            return Ok(rejected(REASON_TRANSFER_SYNTAXES));
        }
        if contexts.len() >= limits::CONTEXTS_PER_CONNECTION {
            return Ok(rejected(REASON_LOCAL_LIMIT));
        }
        contexts.insert(element.id, interface);
        *accepted_one = true;
        Ok(accepted)
    }
}

fn serves(interface: &Interface, wanted: &SyntaxId) -> bool {
    interface.serves(wanted)
}

fn result(result: u16, reason: u16, transfer_syntax: SyntaxId) -> ContextResult {
    ContextResult { result, reason, transfer_syntax }
}

/// The fragment size for both directions, from what the client offers.
///
/// 65,528 is granted to those who offer exactly that, which only our own clients do; everybody
/// else gets what Windows gives: at least 2048, at most 5840, a multiple of 8.
fn granted_fragment(max_xmit: u16, max_recv: u16) -> u16 {
    if (max_xmit, max_recv) == (limits::FRAGMENT_LARGE, limits::FRAGMENT_LARGE) {
        return limits::FRAGMENT_LARGE;
    }
    max_xmit.min(max_recv).clamp(limits::FRAGMENT_MIN_GRANTED, limits::FRAGMENT_DEFAULT) & 0xFFF8
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fragment_sizes_are_those_that_windows_grants() {
        assert_eq!(granted_fragment(0xffff, 0xffff), 5840);
        assert_eq!(granted_fragment(0, 0xffff), 2048);
        assert_eq!(granted_fragment(0xffff, 0), 2048);
        assert_eq!(granted_fragment(3199, 0xffff), 3192);
        assert_eq!(granted_fragment(4280, 4280), 4280);
        assert_eq!(granted_fragment(0xfff8, 0xfff8), 0xfff8);
    }
}
