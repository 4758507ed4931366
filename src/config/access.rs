//! The settings of forward authentication: `access.hosts`, `.cookie_domain`, `.groups_field` and
//! `[[access.rules]]`.
//!
//! In the environment the rules are a JSON list:
//! `VESTIBULE_ACCESS__RULES=[{"path":"/public","who":"anyone"}]`.

use serde::Deserialize;
use url::{Host, Url};

use super::{
    ConfigError,
    lists::{OneOrMany, many},
    missing, wrong,
};
use crate::{
    access_rules::{AccessRule, AccessRules, PathPattern, Site, Sites, Who},
    engine::users::fields::{UserFields, Writer},
    port::FieldName,
};

const RULES: &str = "access.rules";

#[derive(Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct RawAccess {
    hosts: OneOrMany<String>,
    cookie_domain: Option<String>,
    groups_field: Option<String>,
    rules: RawRules,
}

impl Default for RawAccess {
    fn default() -> Self {
        let (hosts, rules) = (OneOrMany::Many(Vec::new()), RawRules::Tables(Vec::new()));
        Self { hosts, cookie_domain: None, groups_field: None, rules }
    }
}

/// Tables of the file, or JSON of the environment.
#[derive(Deserialize)]
#[serde(untagged)]
enum RawRules {
    Json(String),
    Tables(Vec<RawRule>),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawRule {
    host: Option<String>,
    path: Option<String>,
    who: Option<String>,
    groups: Option<Vec<String>>,
}

impl RawAccess {
    /// Whether other sites than our own are named.
    pub(super) fn names_hosts(&self) -> bool {
        !matches!(&self.hosts, OneOrMany::Many(hosts) if hosts.is_empty())
    }

    /// Checks them against each other: a host that no cookie reaches would ask people to sign in
    /// for ever.
    pub(super) fn check(
        self,
        public_url: &str,
        fields: &UserFields,
        remote: bool,
    ) -> Result<AccessRules, ConfigError> {
        let url =
            Url::parse(public_url).map_err(|_| wrong("server.public_url", "a URL", public_url))?;
        let own = Site::of(&url)
            .ok_or_else(|| wrong("server.public_url", "an http or https URL", public_url))?;
        let cookie_domain = self.cookie_domain.map(|raw| cookie_domain(&raw, &url)).transpose()?;
        let texts = many(self.hosts);
        let texts = texts
            .iter()
            .flat_map(|text| text.split(','))
            .map(str::trim)
            .filter(|text| !text.is_empty());
        let others = texts
            .map(|text| host(text, &url, &own, cookie_domain.as_deref()))
            .collect::<Result<Vec<_>, _>>()?;
        let groups_field =
            self.groups_field.map(|raw| groups_field(raw, fields, remote)).transpose()?;
        let sites = Sites::new(own.clone(), others);
        let rules = self
            .rules
            .read()?
            .into_iter()
            .map(|rule| rule.check(&own, &sites, groups_field.is_some()));
        let rules: Vec<AccessRule> = rules.collect::<Result<_, _>>()?;
        if remote && rules.iter().any(|rule| rule.who == Who::SecondFactor) {
            let wanted = "\"anyone\" or \"members\" in remote mode, where nobody tells whether a \
                session has shown a second factor";
            return Err(wrong("access.rules.who", wanted, "second_factor"));
        }
        Ok(AccessRules { sites, cookie_domain, groups_field, rules })
    }
}

impl RawRules {
    fn read(self) -> Result<Vec<RawRule>, ConfigError> {
        match self {
            Self::Tables(rules) => Ok(rules),
            Self::Json(text) if text.trim().is_empty() => Ok(Vec::new()),
            Self::Json(text) => serde_json::from_str(&text)
                .map_err(|_| wrong(RULES, "tables with host, path and who", &text)),
        }
    }
}

impl RawRule {
    fn check(self, own: &Site, sites: &Sites, has_groups: bool) -> Result<AccessRule, ConfigError> {
        let host = self.host.filter(|host| host != "*").map(|host| host.to_ascii_lowercase());
        if let Some(host) = &host
            && host != own.host()
            && !sites.others().iter().any(|site| site.host() == host)
        {
            return Err(wrong(
                "access.rules.host",
                "the host of server.public_url or one of access.hosts, without a port",
                host,
            ));
        }
        let path = match &self.path {
            None => PathPattern::everything(),
            Some(raw) => PathPattern::new(raw).ok_or_else(|| {
                wrong("access.rules.path", "a path like /admin or /files/*.css, not encoded", raw)
            })?,
        };
        Ok(AccessRule { host, path, who: who(self.who.as_deref(), self.groups, has_groups)? })
    }
}

fn who(
    raw: Option<&str>,
    groups: Option<Vec<String>>,
    has_groups: bool,
) -> Result<Who, ConfigError> {
    match (raw, groups) {
        (Some("anyone"), None) => Ok(Who::Anyone),
        (Some("members"), None) => Ok(Who::SignedIn),
        (Some("second_factor"), None) => Ok(Who::SecondFactor),
        (None, Some(_)) if !has_groups => Err(missing(
            "access.groups_field",
            "a rule asks for groups: say which field lists them",
        )),
        (None, Some(groups)) if !groups.is_empty() => Ok(Who::Groups(groups)),
        (raw, _) => Err(wrong(
            "access.rules.who",
            "\"anyone\", \"members\" or \"second_factor\", or groups = [\"…\"] instead of it",
            raw.unwrap_or_default(),
        )),
    }
}

/// A domain that the host of the public URL is in. Browsers refuse the cookie for one that
/// everybody can register below (`co.uk`); one without a dot is refused here.
fn cookie_domain(raw: &str, public_url: &Url) -> Result<String, ConfigError> {
    let domain = raw.trim_start_matches('.').to_ascii_lowercase();
    let is_ours = matches!(public_url.host(), Some(Host::Domain(host)) if is_below(host, &domain));
    let good = is_ours && domain.contains('.') && !domain.ends_with('.');
    if good {
        Ok(domain)
    } else {
        Err(wrong("access.cookie_domain", "a domain that server.public_url's host is in", raw))
    }
}

fn host(
    raw: &str,
    public_url: &Url,
    own: &Site,
    domain: Option<&str>,
) -> Result<Site, ConfigError> {
    let url = Url::parse(&format!("{}://{raw}", public_url.scheme())).ok().filter(|url| {
        let (bare, authority) = (url.path() == "/" && url.query().is_none(), url.authority());
        bare && url.fragment().is_none()
            && !raw.contains(['/', '@', '*'])
            && authority.eq_ignore_ascii_case(raw)
    });
    let site = url.as_ref().and_then(Site::of).ok_or_else(|| {
        wrong(
            "access.hosts",
            "hosts like app.example.com or app.example.com:8443 (no port where it is the usual \
                one)",
            raw,
        )
    })?;
    match domain {
        _ if site.host() == own.host() => Ok(site),
        Some(domain) if is_below(site.host(), domain) => Ok(site),
        Some(domain) => {
            Err(wrong("access.hosts", &format!("hosts in access.cookie_domain, {domain}"), raw))
        }
        None => Err(missing(
            "access.cookie_domain",
            "access.hosts names another host: say which domain they share",
        )),
    }
}

fn is_below(host: &str, domain: &str) -> bool {
    host.strip_suffix(domain).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
}

/// A field that people may write themselves would let them into any group.
fn groups_field(raw: String, fields: &UserFields, remote: bool) -> Result<String, ConfigError> {
    if remote {
        return Err(wrong(
            "access.groups_field",
            "left out in remote mode: who may write a field is not known here",
            &raw,
        ));
    }
    let writer = FieldName::parse(&raw).and_then(|name| fields.writer(&name));
    match writer {
        Some(Writer::Operator) => Ok(raw),
        Some(Writer::Owner) => {
            Err(wrong("access.groups_field", "a field with write = \"operator\"", &raw))
        }
        None => {
            Err(wrong("access.groups_field", "the name of a field in engine.user_fields", &raw))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::users::fields::FieldDeclaration;

    fn read(text: &str) -> Result<AccessRules, String> {
        read_in(false, text)
    }

    fn read_in(remote: bool, text: &str) -> Result<AccessRules, String> {
        let raw: RawAccess = config::Config::builder()
            .add_source(config::File::from_str(text, config::FileFormat::Toml))
            .build()
            .unwrap()
            .try_deserialize()
            .map_err(|error| error.to_string())?;
        let mut fields = UserFields::default();
        let declaration =
            FieldDeclaration { write: Writer::Operator, ..FieldDeclaration::default() };
        fields.declare("team", declaration).unwrap();
        raw.check("https://id.example.com/hall", &fields, remote).map_err(|error| error.to_string())
    }

    #[test]
    fn nothing_set_is_one_site_for_signed_in_users() {
        let access = read("").unwrap();
        assert!(access.sites.others().is_empty() && access.rules.is_empty());
    }

    #[test]
    fn rules_are_read_in_their_order() {
        let access = read(
            "hosts = ['app.example.com', 'APP2.example.com:8443']\ncookie_domain = \
             '.example.com'\ngroups_field = 'team'\n\
             [[rules]]\npath = '/**/*.css'\nwho = 'anyone'\n[[rules]]\nhost = \
             'app2.example.com'\ngroups = ['a']\n\
             [[rules]]\nhost = '*'\nwho = 'second_factor'",
        )
        .unwrap();
        let rules: Vec<String> = access.rules.iter().map(AccessRule::to_string).collect();
        assert_eq!(
            rules,
            [
                "every host, path /**/*.css: anyone",
                "app2.example.com, path /: the groups a",
                "every host, path /: second_factor"
            ]
        );
        assert_eq!(access.cookie_domain.as_deref(), Some("example.com"));
        assert_eq!(access.sites.others()[1].origin(), "https://app2.example.com:8443");
    }

    #[test]
    fn in_remote_mode_no_rule_asks_for_a_second_factor() {
        let rule = "[[rules]]\nwho = 'second_factor'";
        assert!(read(rule).is_ok());
        let error = read_in(true, rule).unwrap_err();
        assert!(error.contains("access.rules.who") && error.contains("remote mode"), "{error}");
    }

    #[test]
    fn a_mistake_names_its_setting() {
        const DOMAIN: &str = "cookie_domain = 'example.com'\n";
        for (text, named) in [
            ("hosts = 'app.example.com'".to_owned(), "access.cookie_domain"),
            (format!("{DOMAIN}hosts = 'app.example.org'"), "access.hosts"),
            (format!("{DOMAIN}hosts = 'notexample.com'"), "access.hosts"),
            (format!("{DOMAIN}hosts = 'https://app.example.com'"), "access.hosts"),
            (format!("{DOMAIN}hosts = 'app.example.com/x'"), "access.hosts"),
            (format!("{DOMAIN}hosts = 'a@app.example.com'"), "access.hosts"),
            (format!("{DOMAIN}hosts = '*.example.com'"), "access.hosts"),
            ("cookie_domain = 'com'".to_owned(), "access.cookie_domain"),
            ("cookie_domain = 'example.org'".to_owned(), "access.cookie_domain"),
            ("cookie_domain = 'd.example.com'".to_owned(), "access.cookie_domain"),
            ("groups_field = 'surname'".to_owned(), "access.groups_field"),
            ("groups_field = 'none'".to_owned(), "access.groups_field"),
            ("[[rules]]\ngroups = ['a']".to_owned(), "access.groups_field"),
            ("[[rules]]\nwho = 'nobody'".to_owned(), "access.rules.who"),
            ("[[rules]]\npath = '/'".to_owned(), "access.rules.who"),
            ("[[rules]]\nwho = 'anyone'\npath = 'x'".to_owned(), "access.rules.path"),
            (
                "[[rules]]\nwho = 'anyone'\nhost = 'other.example.com'".to_owned(),
                "access.rules.host",
            ),
        ] {
            let error = read(&text).unwrap_err();
            assert!(error.contains(named), "{text}: {error}");
        }
    }
}
