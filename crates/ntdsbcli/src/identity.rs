//! The identity that DsSetAuthIdentity sets for the process.
//!
//! | user | domain | password | effect |
//! |---|---|---|---|
//! | given | given | given | identity replaced |
//! | NULL | NULL | NULL | cleared: the process's own identity again |
//! | given | NULL or empty | any | domain from `DOMAIN\user` or `user@realm`, else local |
//! | given | any | NULL | empty password |
//! | NULL or empty | otherwise | | refused |
//!
//! User and domain have at most 256 UTF-16 units, the password 512. The tuple is captured by the
//! next call that connects; contexts that exist keep what they captured. Nothing is verified
//! here. The password is wiped when the last holder lets go of it and has no printed form.
//!
//! Source: DsSetAuthIdentity (Win32 documentation); the table is this project's decision.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use zeroize::Zeroizing;

/// A user with a password.
pub struct Identity {
    user: String,
    domain: String,
    password: Zeroizing<Vec<u16>>,
}

/// The arguments name no identity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("user and domain have at most 256 characters, the password 512, and there must be a user")]
pub struct BadIdentity;

impl Identity {
    /// Checks and copies the three strings. `Ok(None)` where all three are absent.
    pub fn new(
        user: Option<&[u16]>,
        domain: Option<&[u16]>,
        password: Option<&[u16]>,
    ) -> Result<Option<Self>, BadIdentity> {
        if user.is_none() && domain.is_none() && password.is_none() {
            return Ok(None);
        }
        let user = user.filter(|user| !user.is_empty()).ok_or(BadIdentity)?;
        let domain = domain.unwrap_or_default();
        let password = password.unwrap_or_default();
        if user.len() > NAME_MAX || domain.len() > NAME_MAX || password.len() > PASSWORD_MAX {
            return Err(BadIdentity);
        }
        let user = String::from_utf16(user).map_err(|_| BadIdentity)?;
        let domain = String::from_utf16(domain).map_err(|_| BadIdentity)?;
        let (user, domain) = split_domain(user, domain);
        Ok(Some(Identity { user, domain, password: Zeroizing::new(password.to_vec()) }))
    }

    /// The user without its domain.
    pub fn user(&self) -> &str {
        &self.user
    }

    /// The domain or realm; empty for an account of the other end's own.
    pub fn domain(&self) -> &str {
        &self.domain
    }

    /// The password in UTF-16, as the security mechanisms take it.
    pub fn password(&self) -> &[u16] {
        &self.password
    }
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Identity")
            .field("user", &self.user)
            .field("domain", &self.domain)
            .finish_non_exhaustive()
    }
}

/// Replaces or clears the identity of the process.
pub fn set_current(identity: Option<Identity>) {
    *CURRENT.lock().unwrap_or_else(PoisonError::into_inner) = identity.map(Arc::new);
}

/// The identity of the process for the next call that connects.
pub fn current() -> Option<Arc<Identity>> {
    CURRENT.lock().unwrap_or_else(PoisonError::into_inner).clone()
}

fn split_domain(user: String, domain: String) -> (String, String) {
    if !domain.is_empty() {
        return (user, domain);
    }
    if let Some((domain, user)) = user.split_once('\\') {
        return (user.to_owned(), domain.to_owned());
    }
    match user.rsplit_once('@') {
        Some((user, realm)) => (user.to_owned(), realm.to_owned()),
        None => (user, domain),
    }
}

static CURRENT: Mutex<Option<Arc<Identity>>> = Mutex::new(None);

/// UTF-16 units of user and domain.
const NAME_MAX: usize = 256;
/// UTF-16 units of the password.
const PASSWORD_MAX: usize = 512;

#[cfg(test)]
mod tests {
    use super::*;

    fn wide(text: &str) -> Vec<u16> {
        text.encode_utf16().collect()
    }

    fn check(user: &str, domain: &str, expect: (&str, &str)) {
        let identity =
            Identity::new(Some(&wide(user)), Some(&wide(domain)), None).unwrap().unwrap();
        assert_eq!((identity.user(), identity.domain()), expect);
    }

    #[test]
    fn the_domain_comes_from_the_user_where_it_is_not_given() {
        check("ann", "CORP", ("ann", "CORP"));
        check("CORP\\ann", "", ("ann", "CORP"));
        check("ann@corp.example", "", ("ann", "corp.example"));
        check("ann", "", ("ann", ""));
        check("a@b", "CORP", ("a@b", "CORP"));
    }

    #[test]
    fn all_absent_clears_and_a_missing_user_is_refused() {
        assert!(Identity::new(None, None, None).unwrap().is_none());
        assert!(Identity::new(None, None, Some(&wide("pw"))).is_err());
        assert!(Identity::new(Some(&[]), None, Some(&wide("pw"))).is_err());
        assert!(Identity::new(None, Some(&wide("CORP")), None).is_err());
    }

    #[test]
    fn lengths_are_bounded() {
        let name = wide(&"n".repeat(256));
        let password = wide(&"p".repeat(512));
        assert!(Identity::new(Some(&name), Some(&name), Some(&password)).is_ok());
        let long = wide(&"n".repeat(257));
        assert!(Identity::new(Some(&long), None, None).is_err());
        assert!(Identity::new(Some(&name), Some(&long), None).is_err());
        assert!(Identity::new(Some(&name), None, Some(&wide(&"p".repeat(513)))).is_err());
    }

    #[test]
    fn the_password_has_no_printed_form() {
        let identity =
            Identity::new(Some(&wide("ann")), None, Some(&wide("secret"))).unwrap().unwrap();
        assert_eq!(identity.password(), wide("secret"));
        assert_eq!(format!("{identity:?}"), "Identity { user: \"ann\", domain: \"\", .. }");
    }
}
