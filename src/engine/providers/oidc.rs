//! Providers that speak OpenID Connect: discovery, the way there, and what they say of somebody who
//! comes back.
//!
//! What `openidconnect` checks of an id_token: its signature by a key of the discovered set, `iss`,
//! `aud` (this application and no other), `exp`, the nonce, and in the user info the subject. What
//! is added here: signatures are of a public key (never `none`, never a shared secret), `iat` is
//! about now, `azp` and `at_hash` where they are there (S29).

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use jiff::{SignedDuration, Timestamp};
use openidconnect::{
    AccessTokenHash, AdditionalProviderMetadata, AuthType, AuthorizationCode,
    ClaimsVerificationError, ClientId, ClientSecret, CsrfToken, EndpointMaybeSet, EndpointNotSet,
    EndpointSet, IssuerUrl, Nonce, OAuth2TokenResponse, PkceCodeChallenge, PkceCodeVerifier,
    ProviderMetadata, RedirectUrl, RequestTokenError, Scope, SignatureVerificationError,
    TokenResponse,
    core::{
        CoreAuthDisplay, CoreAuthenticationFlow, CoreClaimName, CoreClaimType, CoreClient,
        CoreClientAuthMethod, CoreGrantType, CoreIdTokenClaims, CoreIdTokenVerifier,
        CoreJsonWebKey, CoreJweContentEncryptionAlgorithm, CoreJweKeyManagementAlgorithm,
        CoreJwsSigningAlgorithm, CoreResponseMode, CoreResponseType, CoreSubjectIdentifierType,
        CoreTokenResponse, CoreUserInfoClaims,
    },
};
use secrecy::ExposeSecret;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use url::Url;

use super::{
    ExchangeError, Secrets,
    http::Http,
    logout_events::Logout,
    logout_token::{self, Expected},
    profile::{ProviderProfile, Told},
    provider_sessions::ReportedSession,
    registry::{ProviderKind, ProviderSettings},
};
use crate::port::LogoutToken;

/// How long what was discovered is believed. Keys that are not in it are looked for sooner.
const KNOWN_FOR: SignedDuration = SignedDuration::from_hours(1);
/// How soon keys that are missed may be looked for again, so that forged tokens do not make us ask
/// without end; and how soon a provider that did not answer is asked again, while what was known
/// before serves on.
const ASKED_AGAIN: SignedDuration = SignedDuration::from_mins(1);
/// How far the provider's clock may be from ours. Ours may be read for the first time after its
/// answer came.
const SKEW: Duration = Duration::from_secs(5 * 60);

/// Signatures that only the holder of a private key can make.
const SIGNATURES: [CoreJwsSigningAlgorithm; 9] = [
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha256,
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha384,
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha512,
    CoreJwsSigningAlgorithm::RsaSsaPssSha256,
    CoreJwsSigningAlgorithm::RsaSsaPssSha384,
    CoreJwsSigningAlgorithm::RsaSsaPssSha512,
    CoreJwsSigningAlgorithm::EcdsaP256Sha256,
    CoreJwsSigningAlgorithm::EcdsaP384Sha384,
    CoreJwsSigningAlgorithm::EdDsa,
];

type Client = CoreClient<
    EndpointSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointMaybeSet,
    EndpointMaybeSet,
>;

/// Discovery document, including logout endpoints.
type Metadata = ProviderMetadata<
    Endings,
    CoreAuthDisplay,
    CoreClientAuthMethod,
    CoreClaimName,
    CoreClaimType,
    CoreGrantType,
    CoreJweContentEncryptionAlgorithm,
    CoreJweKeyManagementAlgorithm,
    CoreJsonWebKey,
    CoreResponseMode,
    CoreResponseType,
    CoreSubjectIdentifierType,
>;

/// As it stands there, whatever it is: a mistake in it must not keep anybody from signing in.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
struct Endings {
    #[serde(default)]
    end_session_endpoint: Value,
}

impl AdditionalProviderMetadata for Endings {}

/// Cached discovery document of one provider.
#[derive(Default)]
pub(super) struct Discovery(Mutex<Discovered>);

#[derive(Default, Clone)]
struct Discovered {
    metadata: Option<Arc<Metadata>>,
    /// When it was asked for last, with or without an answer, and how long that is enough.
    asked: Option<(Timestamp, SignedDuration)>,
    /// When keys were missed last.
    missed: Option<Timestamp>,
}

/// One provider, with what it is spoken to with.
pub(super) struct Oidc<'a> {
    pub(super) settings: &'a ProviderSettings,
    pub(super) http: &'a Http,
    pub(super) discovery: &'a Discovery,
    pub(super) callback_url: String,
    pub(super) now: Timestamp,
}

impl Oidc<'_> {
    /// Whether the provider can be read.
    pub(super) async fn probe(&self) -> Result<(), ExchangeError> {
        self.metadata().await.map(drop)
    }

    /// Where the browser goes.
    pub(super) async fn authorize_url(
        &self,
        state: &str,
        secrets: &Secrets,
    ) -> Result<String, ExchangeError> {
        let client = self.client(self.metadata().await?)?;
        let (state, nonce) = (CsrfToken::new(state.to_owned()), Nonce::new(secrets.nonce.clone()));
        let mut request = client
            .authorize_url(CoreAuthenticationFlow::AuthorizationCode, move || state, move || nonce)
            .set_pkce_challenge(PkceCodeChallenge::from_code_verifier_sha256(&verifier(secrets)));
        // The crate adds it by itself.
        let scopes = self.settings.scopes.iter().filter(|scope| *scope != "openid");
        request = request.add_scopes(scopes.map(|scope| Scope::new(scope.clone())));
        if self.settings.kind == ProviderKind::Apple {
            // Apple answers with a form where a name or an address is asked for, and with nothing
            // else.
            request = request.add_extra_param("response_mode", "form_post");
        }
        let (url, ..) = request.url();
        let is_fit = url.scheme() == "https" || self.settings.is_loopback();
        if is_fit {
            Ok(url.into())
        } else {
            Err(ExchangeError::Wrong("its authorization endpoint is not https"))
        }
    }

    /// Spends the code and believes nothing unchecked.
    pub(super) async fn profile(
        &self,
        code: String,
        secrets: &Secrets,
    ) -> Result<ProviderProfile, ExchangeError> {
        let metadata = self.metadata().await?;
        let ends_there = self.end_session_endpoint(&metadata).is_some();
        let client = self.client(metadata)?;
        let request =
            client.exchange_code(AuthorizationCode::new(code)).map_err(ExchangeError::wrong)?;
        let answer = request.set_pkce_verifier(verifier(secrets)).request_async(self.http).await;
        let tokens = answer.map_err(|error| match error {
            RequestTokenError::ServerResponse(response) => {
                ExchangeError::Refused(response.error().to_string())
            }
            RequestTokenError::Request(error) => ExchangeError::Unreachable(Box::new(error)),
            error => ExchangeError::wrong(error),
        })?;
        let mut profile = match self.claims(&client, &tokens, secrets).await {
            // Keys are changed now and then, some under the same name: those that we know may be
            // yesterday's.
            Err(ExchangeError::UnknownKey) => {
                let client = self.client(self.metadata_with_newer_keys().await?)?;
                self.claims(&client, &tokens, secrets).await
            }
            claims => claims,
        }?;
        if !ends_there {
            profile.session =
                ReportedSession { ends_there: false, id_token: None, ..profile.session };
        }
        Ok(profile)
    }

    /// Where one signs out there too (OpenID Connect RP-Initiated Logout 1.0 §2).
    pub(super) async fn end_session_url(
        &self,
        session: &ReportedSession,
        back: &str,
        state: &str,
    ) -> Result<Option<Url>, ExchangeError> {
        let metadata = self.metadata().await?;
        let Some(mut url) = self.end_session_endpoint(&metadata) else { return Ok(None) };
        let mut query = url.query_pairs_mut();
        if let Some(id_token) = &session.id_token {
            query.append_pair("id_token_hint", id_token.expose_secret());
        }
        query.append_pair("client_id", &self.settings.client_id);
        query.append_pair("post_logout_redirect_uri", back).append_pair("state", state);
        drop(query);
        Ok(Some(url))
    }

    /// Believes a logout token, or nothing of it.
    pub(super) async fn logout(&self, token: &LogoutToken) -> Result<Logout, ExchangeError> {
        let (issuer, client_id) = (self.settings.issuer(), &self.settings.client_id);
        let expected =
            Expected { issuer, client_id, algorithms: &SIGNATURES, now: self.now, skew: SKEW };
        let unverified = logout_token::read(token.expose(), &expected)?;
        match unverified.verify_signature(self.metadata().await?.jwks().keys()) {
            Err(ExchangeError::UnknownKey) => {
                unverified.verify_signature(self.metadata_with_newer_keys().await?.jwks().keys())
            }
            logout => logout,
        }
    }

    /// Only one that a browser may be sent to.
    fn end_session_endpoint(&self, metadata: &Metadata) -> Option<Url> {
        let url = Url::parse(metadata.additional_metadata().end_session_endpoint.as_str()?).ok()?;
        (url.scheme() == "https" || (url.scheme() == "http" && self.settings.is_loopback()))
            .then_some(url)
    }

    async fn claims(
        &self,
        client: &Client,
        tokens: &CoreTokenResponse,
        secrets: &Secrets,
    ) -> Result<ProviderProfile, ExchangeError> {
        let id_token = tokens.id_token().ok_or(ExchangeError::Wrong("it sent no id_token"))?;
        let verifier = self.verifier(client)?;
        let claims =
            id_token.claims(&verifier, &Nonce::new(secrets.nonce.clone())).map_err(|error| {
                match error {
                    ClaimsVerificationError::SignatureVerification(
                        SignatureVerificationError::NoMatchingKey
                        | SignatureVerificationError::CryptoError(_),
                    ) => ExchangeError::UnknownKey,
                    error => ExchangeError::wrong(error),
                }
            })?;
        if claims.authorized_party().is_some_and(|party| **party != self.settings.client_id) {
            return Err(ExchangeError::Wrong("the id_token was made for another application"));
        }
        if let Some(expected) = claims.access_token_hash() {
            let key = id_token.signing_key(&verifier).map_err(ExchangeError::wrong)?;
            let algorithm = id_token.signing_alg().map_err(ExchangeError::wrong)?;
            let hash = AccessTokenHash::from_token(tokens.access_token(), algorithm, key)
                .map_err(ExchangeError::wrong)?;
            if hash != *expected {
                return Err(ExchangeError::Wrong(
                    "the access token is not the one of the id_token",
                ));
            }
        }
        let told = told_by_token(claims);
        let more =
            if told.is_complete() { None } else { self.user_info(client, tokens, claims).await? };
        let told = told.or(more.as_ref().map(told_by_user_info));
        let issued_at = Timestamp::from_second(claims.issue_time().timestamp()).ok();
        let id_token = id_token.to_string();
        let session = ReportedSession::of(sid(&id_token), issued_at, Some(id_token));
        Ok(ProviderProfile { session, ..ProviderProfile::of(claims.subject().to_string(), told)? })
    }

    /// Many servers put little more than the subject into the id_token.
    async fn user_info(
        &self,
        client: &Client,
        tokens: &CoreTokenResponse,
        claims: &CoreIdTokenClaims,
    ) -> Result<Option<CoreUserInfoClaims>, ExchangeError> {
        let request =
            client.user_info(tokens.access_token().clone(), Some(claims.subject().clone()));
        let Ok(request) = request else { return Ok(None) };
        // An answer in plain JSON came over TLS from the issuer's own address; one that is signed
        // is checked.
        let request = request.require_signed_response(false);
        let info: Result<CoreUserInfoClaims, _> = request.request_async(self.http).await;
        info.map(Some).map_err(|error| match error {
            openidconnect::UserInfoError::Request(error) => {
                ExchangeError::Unreachable(Box::new(error))
            }
            openidconnect::UserInfoError::ClaimsVerification(
                ClaimsVerificationError::InvalidSubject(_),
            ) => ExchangeError::Wrong("the user info is about somebody else"),
            error => ExchangeError::wrong(error),
        })
    }

    fn verifier<'b>(&self, client: &'b Client) -> Result<CoreIdTokenVerifier<'b>, ExchangeError> {
        let now = chrono::DateTime::from_timestamp_millis(self.now.as_millisecond());
        let now = now.ok_or(ExchangeError::Wrong("our clock is wrong"))?;
        let is_about_now = move |issued: chrono::DateTime<chrono::Utc>| {
            let is_fit =
                issued.signed_duration_since(now).abs().to_std().is_ok_and(|apart| apart <= SKEW);
            if is_fit { Ok(()) } else { Err("the id_token was not made just now".to_owned()) }
        };
        Ok(client
            .id_token_verifier()
            .set_allowed_algs(SIGNATURES)
            .set_time_fn(move || now)
            .set_issue_time_verifier_fn(is_about_now))
    }

    fn client(&self, metadata: Arc<Metadata>) -> Result<Client, ExchangeError> {
        let secret = match &self.settings.apple {
            Some(key) => {
                key.client_secret(&self.settings.client_id, self.settings.issuer(), self.now)
            }
            None => {
                self.settings.client_secret.as_ref().map(|secret| secret.expose_secret().to_owned())
            }
        };
        let methods = metadata.token_endpoint_auth_methods_supported();
        let takes_only_bodies = methods
            .is_some_and(|methods| !methods.contains(&CoreClientAuthMethod::ClientSecretBasic));
        let auth = if takes_only_bodies { AuthType::RequestBody } else { AuthType::BasicAuth };
        let callback = RedirectUrl::new(self.callback_url.clone()).map_err(ExchangeError::wrong)?;
        let client_id = ClientId::new(self.settings.client_id.clone());
        let client = CoreClient::from_provider_metadata(
            (*metadata).clone(),
            client_id,
            secret.map(ClientSecret::new),
        );
        Ok(client.set_redirect_uri(callback).set_auth_type(auth))
    }

    /// Discovery document, refreshed when it is old. While the provider does not answer, the former
    /// is used on.
    async fn metadata(&self) -> Result<Arc<Metadata>, ExchangeError> {
        let known = self.discovered().clone();
        let is_fresh = known
            .asked
            .is_some_and(|(asked, enough)| self.now.duration_since(asked).abs() < enough);
        match known.metadata {
            Some(metadata) if is_fresh => Ok(metadata),
            known => self.discover(known).await,
        }
    }

    /// The same with keys of this minute: those that are known have not made a signature.
    async fn metadata_with_newer_keys(&self) -> Result<Arc<Metadata>, ExchangeError> {
        let known = {
            let mut discovered = self.discovered();
            let asked = discovered
                .missed
                .is_some_and(|missed| self.now.duration_since(missed).abs() < ASKED_AGAIN);
            if asked && let Some(metadata) = &discovered.metadata {
                return Ok(Arc::clone(metadata));
            }
            discovered.missed = Some(self.now);
            discovered.metadata.clone()
        };
        self.discover(known).await
    }

    async fn discover(&self, known: Option<Arc<Metadata>>) -> Result<Arc<Metadata>, ExchangeError> {
        let issuer =
            IssuerUrl::new(self.settings.issuer().to_owned()).map_err(ExchangeError::wrong)?;
        // The issuer that the document names is held against ours, letter by letter (S28).
        let found = Metadata::discover_async(issuer, self.http).await;
        let enough = if found.is_ok() { KNOWN_FOR } else { ASKED_AGAIN };
        let found = match (found, known) {
            (Ok(metadata), _) => Arc::new(metadata),
            (Err(_), Some(known)) => known,
            (Err(openidconnect::DiscoveryError::Request(error)), None) => {
                return Err(ExchangeError::Unreachable(Box::new(error)));
            }
            (Err(error), None) => return Err(ExchangeError::wrong(error)),
        };
        let mut discovered = self.discovered();
        discovered.metadata = Some(Arc::clone(&found));
        discovered.asked = Some((self.now, enough));
        Ok(found)
    }

    fn discovered(&self) -> MutexGuard<'_, Discovered> {
        self.discovery.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn verifier(secrets: &Secrets) -> PkceCodeVerifier {
    PkceCodeVerifier::new(secrets.verifier.clone())
}

/// The session at the provider, of an id_token that was checked.
fn sid(id_token: &str) -> Option<String> {
    let claims = BASE64_URL_SAFE_NO_PAD.decode(id_token.split('.').nth(1)?).ok()?;
    let claims: Value = serde_json::from_slice(&claims).ok()?;
    claims.get("sid")?.as_str().map(str::to_owned)
}

fn told_by_token(claims: &CoreIdTokenClaims) -> Told {
    Told {
        email: claims.email().map(|email| email.to_string()),
        email_verified: claims.email_verified() == Some(true),
        name: claims.name().and_then(|name| name.get(None)).map(|name| name.to_string()),
        picture: claims
            .picture()
            .and_then(|picture| picture.get(None))
            .map(|picture| picture.to_string()),
    }
}

fn told_by_user_info(claims: &CoreUserInfoClaims) -> Told {
    Told {
        email: claims.email().map(|email| email.to_string()),
        email_verified: claims.email_verified() == Some(true),
        name: claims.name().and_then(|name| name.get(None)).map(|name| name.to_string()),
        picture: claims
            .picture()
            .and_then(|picture| picture.get(None))
            .map(|picture| picture.to_string()),
    }
}
