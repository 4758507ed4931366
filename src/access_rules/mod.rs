//! Access to the sites that a proxy asks us about: the rules, apart from how they are asked
//! (`web/forward_auth.rs`) and typed (`config/access.rs`).
//!
//! # The contract
//!
//! * A rule is a host, a path and who may come. The first one that matches decides; where none
//!   does, signed-in users may come.
//! * A page is asked for by the URL of a browser. It must be on a host of ours: the one of
//!   `server.public_url` or one of `access.hosts`, with its port. Any other is refused, whatever
//!   the rules say.
//! * The site behind the proxy may read a path differently than we do, and whoever knows how can
//!   ask for one page and get another. So a path is read in every way that is usual
//!   ([`path::readings`]): decoded again, without parameters, in any case, with look-alike letters.
//!   **Each reading** must be allowed, and what can be read as climbing (`..`) is refused. So a
//!   rule that forbids `/admin` is for `/ADMIN`, `/admin.` and `/%2561dmin` as well, and a rule
//!   that allows `/public` still allows nothing else.
//! * `second_factor` asks for an account that has one and for a **session in which it was shown**:
//!   at its sign-in, or later as a proof. A browser that its owner chose to trust has shown it, in
//!   the sessions that begin while that trust lasts. A session that began with the password alone,
//!   before the factor was switched on, has not: whoever had stolen it must not come in by what the
//!   owner did since. Its browser is asked for the factor then, once.
//! * Groups stand in one field of the user (`access.groups_field`), which only the operator's
//!   programs may write.

mod path;
mod site;

use std::fmt;

use serde_json::Value;

use self::path::Reading;
pub use self::{
    path::PathPattern,
    site::{RequestedPage, Site, Sites},
};
use crate::port::{SignedInUser, User};

/// The rules and the sites they are for.
#[derive(Debug, Clone)]
pub struct AccessRules {
    pub sites: Sites,
    /// The domain whose hosts all get the access cookie; without one, only the host of the public
    /// URL does.
    pub cookie_domain: Option<String>,
    /// The field of a user that lists their groups.
    pub groups_field: Option<String>,
    pub rules: Vec<AccessRule>,
}

/// One line of the rules.
#[derive(Debug, Clone)]
pub struct AccessRule {
    /// Without one, every host.
    pub host: Option<String>,
    pub path: PathPattern,
    pub who: Who,
}

/// Admitted people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Who {
    Anyone,
    SignedIn,
    /// Signed-in users who have shown a second factor.
    SecondFactor,
    /// Signed-in users of at least one of these.
    Groups(Vec<String>),
}

/// Verdict of the rules on one page and one person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AccessVerdict {
    Granted,
    /// Somebody must sign in first.
    SignIn,
    /// For signed-in users with a second factor, and this one has none.
    NeedsSecondFactor,
    /// For signed-in users who have shown their second factor, and this one's session began without
    /// it.
    ShowSecondFactor,
    /// For signed-in users of other groups.
    NotInGroup,
    /// A path that can be read as another one.
    Unclear,
}

/// Somebody who is signed in, as far as the rules care.
#[derive(Debug, Clone, Copy)]
pub struct Person<'a> {
    pub user: &'a User,
    /// Whether a second factor was shown in their session.
    pub second_factor: bool,
}

impl<'a> From<&'a SignedInUser> for Person<'a> {
    fn from(signed_in_user: &'a SignedInUser) -> Self {
        Self { user: &signed_in_user.user, second_factor: signed_in_user.session.second_factor }
    }
}

/// A verdict and the rule it comes from, by its place; `None` where no rule matched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    pub verdict: AccessVerdict,
    pub rule: Option<usize>,
}

impl AccessRules {
    /// One site, without a rule.
    #[cfg(test)]
    pub(crate) fn none(public_url: &str) -> Self {
        let own = url::Url::parse(public_url).ok().and_then(|url| Site::of(&url)).unwrap();
        Self {
            sites: Sites::new(own, Vec::new()),
            cookie_domain: None,
            groups_field: None,
            rules: Vec::new(),
        }
    }

    /// Decides by the rules. Of the readings of a path, the first that is not granted decides.
    pub fn decide(&self, asked: &RequestedPage, person: Option<Person<'_>>) -> Decision {
        let Some(readings) = path::readings(asked.path()) else {
            return Decision { verdict: AccessVerdict::Unclear, rule: None };
        };
        let mut decision = None;
        for reading in &readings {
            let rule = self.rules.iter().position(|rule| rule.is_for(asked.host(), reading));
            let who = rule.map_or(&Who::SignedIn, |rule| &self.rules[rule].who);
            let verdict = self.validate(who, person);
            let granted = verdict == AccessVerdict::Granted;
            decision = Some(Decision { verdict, rule });
            if !granted {
                break;
            }
        }
        decision.unwrap_or(Decision { verdict: AccessVerdict::Unclear, rule: None })
    }

    /// The groups of a signed-in user. One text is a list of one; what is no text is no group.
    pub fn groups<'a>(&self, signed_in_user: &'a User) -> Vec<&'a str> {
        let field = self.groups_field.as_ref().and_then(|field| signed_in_user.fields.get(field));
        let listed = match field {
            Some(Value::Array(listed)) => listed.as_slice(),
            Some(one) => std::slice::from_ref(one),
            None => &[],
        };
        listed.iter().filter_map(Value::as_str).filter(|group| !group.is_empty()).collect()
    }

    fn validate(&self, who: &Who, person: Option<Person<'_>>) -> AccessVerdict {
        match (who, person) {
            (Who::Anyone, _) | (Who::SignedIn, Some(_)) => AccessVerdict::Granted,
            (_, None) => AccessVerdict::SignIn,
            (Who::SecondFactor, Some(person)) if !person.user.second_factor => {
                AccessVerdict::NeedsSecondFactor
            }
            (Who::SecondFactor, Some(person)) if !person.second_factor => {
                AccessVerdict::ShowSecondFactor
            }
            (Who::SecondFactor, Some(_)) => AccessVerdict::Granted,
            (Who::Groups(wanted), Some(person)) => {
                let is_in = self
                    .groups(person.user)
                    .iter()
                    .any(|group| wanted.iter().any(|wanted| wanted == group));
                if is_in { AccessVerdict::Granted } else { AccessVerdict::NotInGroup }
            }
        }
    }
}

impl AccessRule {
    fn is_for(&self, host: &str, reading: &Reading) -> bool {
        self.host.as_ref().is_none_or(|mine| mine == host) && self.path.matches(reading)
    }
}

/// As the settings spell it.
impl fmt::Display for Who {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Anyone => formatter.write_str("anyone"),
            Self::SignedIn => formatter.write_str("members"),
            Self::SecondFactor => formatter.write_str("second_factor"),
            Self::Groups(groups) => write!(formatter, "the groups {}", groups.join(", ")),
        }
    }
}

impl fmt::Display for AccessRule {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let host = self.host.as_deref().unwrap_or("every host");
        write!(formatter, "{host}, path {}: {}", self.path, self.who)
    }
}

#[cfg(test)]
mod tests;
