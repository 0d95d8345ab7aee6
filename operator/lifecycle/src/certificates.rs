//! When a deployment needs certificates, and what becomes of the public part of them on the way.
//!
//! Owns the order of steps. A CA is *announced* before anything that it signed is used: the pods trust it beside those before, so that
//! whoever has new certificates already and whoever has the old ones still let each other in. Then the certificates are *installed*.
//! Pods read their files again by themselves, but a kubelet brings them only after a while: that is the patience between the two.
//!
//! Example: certificates valid from 0 h to 90 h are renewed at 60 h: announced then, installed 3 min later. A renewal that was not
//! installed 6 min after it was announced was lost with the operator that began it, and begins again with another CA.
//!
//! Keys are not known here, and are nowhere but in the secrets: the CA's is forgotten as soon as it has signed.

use std::time::Duration;

use crate::observed::{Certificates, Validity};
use crate::time::{Timestamp, elapsed};

/// How long a kubelet may take to bring changed files to a pod: it looks every minute, and what it finds may be as old again.
const BROUGHT: Duration = Duration::from_secs(180);
/// CAs that are trusted at a time: the one in use, the one that is coming, and those of renewals that were lost halfway.
const AUTHORITIES: usize = 4;

/// What is to be done about the certificates of a deployment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Due {
    /// Nothing.
    Nothing,
    /// There are none, or not all of them were written.
    Issue,
    /// Their time is coming to an end.
    Renew {
        /// How long after the announcement they are installed.
        patience: Duration,
    },
}

/// Says what is to be done: certificates are renewed when two thirds of their time are over.
pub fn due(certificates: Option<&Certificates>, now: Timestamp) -> Due {
    let Some(certificates) = certificates else { return Due::Issue };
    let Some(valid) = certificates.valid else { return Due::Issue };
    let span = elapsed(valid.since, valid.until);
    if elapsed(valid.since, now) < span / 3 * 2 {
        return Due::Nothing;
    }
    // Who holds an expired certificate is let in by nobody: there is nothing to wait for.
    let patience = if now >= valid.until { Duration::ZERO } else { BROUGHT.min(span / 12) };
    let is_under_way = certificates.announced.is_some_and(|at| elapsed(at, now) < patience * 2);
    if is_under_way { Due::Nothing } else { Due::Renew { patience } }
}

/// The public part once another CA is announced (PEM).
#[must_use]
pub fn announce(before: Option<&Certificates>, authority: &str, now: Timestamp) -> Certificates {
    let mut authorities = vec![authority.to_owned()];
    authorities.extend(before.iter().flat_map(|before| before.authorities.iter().cloned()));
    authorities.truncate(AUTHORITIES);
    Certificates { authorities, valid: before.and_then(|before| before.valid), announced: Some(now) }
}

/// The public part once the certificates of the newest CA are in the secrets. Those of the CA before may still be in use somewhere, so
/// it stays trusted; its key is gone, so nobody can sign with it.
#[must_use]
pub fn install(announced: &Certificates, valid: Validity) -> Certificates {
    Certificates { valid: Some(valid), announced: None, ..announced.clone() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(hours: i64) -> Timestamp {
        Timestamp::from_second(hours * 3_600).unwrap()
    }

    fn of(authorities: &[&str], valid: Option<(i64, i64)>, announced: Option<Timestamp>) -> Certificates {
        let valid = valid.map(|(since, until)| Validity { since: at(since), until: at(until) });
        let authorities = authorities.iter().map(|pem| (*pem).to_owned()).collect();
        Certificates { authorities, valid, announced }
    }

    #[test]
    fn certificates_are_issued_once_and_renewed_at_two_thirds() {
        let minutes = |minutes: u64| Duration::from_secs(minutes * 60);
        let renew = Due::Renew { patience: minutes(3) };
        let certificates = of(&["a"], Some((0, 90)), None);
        for (hours, expected) in [
            (0, Due::Nothing),
            (59, Due::Nothing),
            (60, renew),
            (89, renew),
            (90, Due::Renew { patience: Duration::ZERO }),
            (900, Due::Renew { patience: Duration::ZERO }),
        ] {
            assert_eq!(due(Some(&certificates), at(hours)), expected, "at {hours} h");
        }
        assert_eq!(due(None, at(0)), Due::Issue);
        assert_eq!(due(Some(&of(&["a"], None, Some(at(0)))), at(0)), Due::Issue, "a crash came in between");
        let brief = of(&["a"], Some((0, 1)), None);
        assert_eq!(due(Some(&brief), Timestamp::from_second(2_400).unwrap()), renew);
        let span = Validity { since: at(0), until: Timestamp::from_second(60).unwrap() };
        let briefer = Certificates { valid: Some(span), ..brief };
        let patience = Duration::from_secs(5);
        assert_eq!(due(Some(&briefer), Timestamp::from_second(40).unwrap()), Due::Renew { patience });
    }

    #[test]
    fn a_renewal_is_waited_for_until_it_must_be_lost() {
        let announced = of(&["b", "a"], Some((0, 90)), Some(at(60)));
        let later = |seconds| crate::time::after(at(60), Duration::from_secs(seconds));
        assert_eq!(due(Some(&announced), at(60)), Due::Nothing);
        assert_eq!(due(Some(&announced), later(359)), Due::Nothing);
        assert_eq!(
            due(Some(&announced), later(360)),
            Due::Renew { patience: Duration::from_secs(180) },
            "its operator is gone"
        );
    }

    #[test]
    fn what_is_in_use_stays_trusted() {
        let first = announce(None, "a", at(0));
        assert_eq!(first, of(&["a"], None, Some(at(0))));
        let first = install(&first, Validity { since: at(0), until: at(90) });
        assert_eq!(first, of(&["a"], Some((0, 90)), None));
        let second = announce(Some(&first), "b", at(60));
        assert_eq!(second, of(&["b", "a"], Some((0, 90)), Some(at(60))), "the old ones are in use still");
        let again = announce(Some(&second), "c", at(61));
        assert_eq!(again.authorities, ["c", "b", "a"], "what the lost renewal has installed is trusted");
        let many = announce(Some(&announce(Some(&again), "d", at(62))), "e", at(63));
        assert_eq!(many.authorities, ["e", "d", "c", "b"]);
    }
}
