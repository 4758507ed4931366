//! Providers without OpenID Connect: OAuth 2 with PKCE, and a profile in words of their own. The
//! exchange is a form and its answer (RFC 6749 §4.1.3, RFC 7636 §4.5); what differs is where it is
//! asked and how the profile reads.

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use secrecy::ExposeSecret;
use serde_json::Value;
use sha2::{Digest, Sha256};
use url::Url;

use super::{
    ExchangeError, Secrets,
    http::{Http, HttpError},
    profile::{ProviderProfile, Told},
    registry::{Endpoints, ProviderKind, ProviderSettings},
};

/// One provider, with what it is spoken to with.
pub(super) struct OAuth2<'a> {
    pub(super) settings: &'a ProviderSettings,
    pub(super) endpoints: Endpoints,
    pub(super) http: &'a Http,
    pub(super) callback_url: String,
}

impl OAuth2<'_> {
    /// Where the browser goes.
    pub(super) fn authorize_url(
        &self,
        state: &str,
        secrets: &Secrets,
    ) -> Result<String, ExchangeError> {
        let challenge = BASE64_URL_SAFE_NO_PAD.encode(Sha256::digest(&secrets.verifier));
        // Facebook separates scopes with commas and takes blanks as well; RFC 6749 knows blanks
        // alone.
        let mut url = self.url(self.endpoints.authorize)?;
        url.query_pairs_mut()
            .append_pair("response_type", "code")
            .append_pair("client_id", &self.settings.client_id)
            .append_pair("redirect_uri", &self.callback_url)
            .append_pair("scope", &self.settings.scopes.join(" "))
            .append_pair("state", state)
            .append_pair("code_challenge", &challenge)
            .append_pair("code_challenge_method", "S256");
        Ok(url.into())
    }

    /// Spends the code and asks who it is.
    pub(super) async fn profile(
        &self,
        code: &str,
        secrets: &Secrets,
    ) -> Result<ProviderProfile, ExchangeError> {
        let token = self.access_token(code, secrets).await?;
        let profile = self.http.get(self.url(self.endpoints.profile)?, &token).await?;
        match self.settings.kind {
            ProviderKind::GitHub => {
                let emails = match self.endpoints.emails {
                    Some(emails) => self.http.get(self.url(emails)?, &token).await?,
                    None => Value::Null,
                };
                github(&profile, &emails)
            }
            ProviderKind::Facebook => facebook(&profile),
            ProviderKind::X => x(&profile),
            _ => discord(&profile),
        }
    }

    async fn access_token(&self, code: &str, secrets: &Secrets) -> Result<String, ExchangeError> {
        let secret = self.settings.client_secret.as_ref().map(|secret| secret.expose_secret());
        let mut form = vec![
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", self.callback_url.as_str()),
            ("code_verifier", secrets.verifier.as_str()),
            ("client_id", self.settings.client_id.as_str()),
        ];
        // X wants the secret in the header, the others in the form.
        let basic = secret
            .filter(|_| self.settings.kind == ProviderKind::X)
            .map(|secret| (&*self.settings.client_id, secret));
        form.extend(secret.filter(|_| basic.is_none()).map(|secret| ("client_secret", secret)));
        let answer = self.http.post_form(self.url(self.endpoints.token)?, &form, basic).await?;
        text(&answer["access_token"]).ok_or(ExchangeError::Wrong("it sent no access token"))
    }

    fn url(&self, usual: &str) -> Result<Url, ExchangeError> {
        self.settings.address(usual).ok_or(ExchangeError::Wrong("its address is none"))
    }
}

impl From<HttpError> for ExchangeError {
    fn from(error: HttpError) -> Self {
        match error {
            // Wrong, used or late code (RFC 6749 §5.2). Asked too often (RFC 6585 §4) passes by
            // itself.
            HttpError::Status(status) if status.0 < 500 && status.0 != 429 => {
                Self::Refused(status.to_string())
            }
            error => Self::Unreachable(Box::new(error)),
        }
    }
}

/// The name that is shown, else the one to sign in with. The address that is both the primary one
/// and verified.
fn github(profile: &Value, emails: &Value) -> Result<ProviderProfile, ExchangeError> {
    let primary = emails.as_array().into_iter().flatten().find(|email| email["primary"] == true);
    let told = Told {
        email: primary.and_then(|email| text(&email["email"])),
        email_verified: primary.is_some_and(|email| email["verified"] == true),
        name: text(&profile["name"]).or_else(|| text(&profile["login"])),
        picture: text(&profile["avatar_url"]),
    };
    ProviderProfile::of(id(&profile["id"]), told)
}

/// Facebook does not say whether an address was proved, so it is not asked for one.
fn facebook(profile: &Value) -> Result<ProviderProfile, ExchangeError> {
    let picture = &profile["picture"]["data"];
    let picture = text(&picture["url"]).filter(|_| picture["is_silhouette"] != true);
    ProviderProfile::of(
        id(&profile["id"]),
        Told { name: text(&profile["name"]), picture, ..Told::default() },
    )
}

/// X tells no address.
fn x(profile: &Value) -> Result<ProviderProfile, ExchangeError> {
    let data = &profile["data"];
    let picture = text(&data["profile_image_url"]).map(|url| url.replace("_normal.", "_400x400."));
    let name = text(&data["name"]).or_else(|| text(&data["username"]));
    ProviderProfile::of(id(&data["id"]), Told { name, picture, ..Told::default() })
}

fn discord(profile: &Value) -> Result<ProviderProfile, ExchangeError> {
    let (id, avatar) = (id(&profile["id"]), text(&profile["avatar"]));
    let told = Told {
        email: text(&profile["email"]),
        email_verified: profile["verified"] == true,
        name: text(&profile["global_name"]).or_else(|| text(&profile["username"])),
        picture: avatar
            .map(|avatar| format!("https://cdn.discordapp.com/avatars/{id}/{avatar}.png?size=512")),
    };
    ProviderProfile::of(id, told)
}

/// Numbers and texts alike; nothing for anything else, and then there is no subject.
fn id(value: &Value) -> String {
    value.as_u64().map(|number| number.to_string()).or_else(|| text(value)).unwrap_or_default()
}

fn text(value: &Value) -> Option<String> {
    value.as_str().filter(|text| !text.is_empty()).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{engine::providers::http::StatusText, port::Code};

    /// S30
    #[test]
    fn whoever_was_asked_too_often_is_asked_again_in_a_moment() {
        let code = |status| ExchangeError::from(HttpError::Status(StatusText(status, None))).code();
        assert_eq!(
            [400, 401, 429, 503].map(code),
            [
                Code::ProviderAnswerInvalid,
                Code::ProviderAnswerInvalid,
                Code::ProviderUnreachable,
                Code::ProviderUnreachable,
            ]
        );
    }

    #[test]
    fn of_github_the_primary_address_counts_if_it_is_verified() {
        let profile = json!({
            "id": 583231,
            "login": "octocat",
            "name": null,
            "avatar_url": "https://a.example/1",
        });
        let emails = |verified: bool| {
            json!([
                { "email": "other@example.com", "primary": false, "verified": true },
                { "email": "octocat@example.com", "primary": true, "verified": verified },
            ])
        };
        let octocat = github(&profile, &emails(true)).unwrap();
        assert_eq!(
            (octocat.subject.as_str(), octocat.name.as_deref()),
            ("583231", Some("octocat"))
        );
        assert_eq!(octocat.email.unwrap().as_str(), "octocat@example.com");
        assert!(github(&profile, &emails(false)).unwrap().email.is_none());
        assert!(github(&json!({ "message": "Bad credentials" }), &Value::Null).is_err());
    }

    #[test]
    fn of_discord_an_address_counts_if_it_is_verified() {
        let profile = |verified: bool| {
            json!({ "id": "80351110224678912", "username": "nelly", "global_name": null, "avatar": "8342",
                    "email": "nelly@example.com", "verified": verified })
        };
        let nelly = discord(&profile(true)).unwrap();
        assert_eq!(nelly.email.unwrap().as_str(), "nelly@example.com");
        assert_eq!(nelly.picture.unwrap().path(), "/avatars/80351110224678912/8342.png");
        assert!(discord(&profile(false)).unwrap().email.is_none());
    }

    #[test]
    fn facebook_and_x_tell_no_address_that_counts() {
        let picture = json!({ "data": { "url": "https://f.example/p", "is_silhouette": true } });
        let ann = facebook(
            &json!({ "id": "10", "name": "Ann", "email": "ann@example.com", "picture": picture }),
        )
        .unwrap();
        assert!(ann.email.is_none() && ann.picture.is_none());
        let picture = "https://pbs.twimg.com/profile_images/1/a_normal.jpg";
        let ann = x(&json!({
            "data": { "id": "7", "name": "Ann", "username": "ann", "profile_image_url": picture },
        }))
        .unwrap();
        assert_eq!(ann.picture.unwrap().path(), "/profile_images/1/a_400x400.jpg");
    }
}
