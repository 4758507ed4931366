//! An OpenID Connect server in this process. It holds applications to the letter (redirect URI,
//! client secret, PKCE, single-use codes), and lies where a test wants it to.

pub mod endings;

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use actix_web::{App, HttpRequest, HttpResponse, HttpServer, web};
use base64::{
    Engine as _,
    prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD},
};
use jiff::Timestamp;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use url::Url;

use super::oidc_keys::Signer;

pub const CLIENT_ID: &str = "the-client";
pub const CLIENT_SECRET: &str = "the client's secret";

/// Misbehaviour to simulate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lie {
    None,
    Nonce,
    Audience,
    Issuer,
    /// `iss` of the answer, beside the code.
    AnswerIssuer,
    Expired,
    MadeLongAgo,
    /// `alg: none`.
    Unsigned,
    /// HS256 with the client's secret.
    SharedSecret,
    /// HS256 with the published key for a secret.
    PublicKeyAsSecret,
    /// Signed by a key that it does not publish.
    ForeignKey,
    /// Signed by a key of a name that it does not publish.
    UnknownKey,
    AccessTokenHash,
    NoSubject,
    NoIdToken,
    /// The user info is about somebody else.
    OtherSubject,
    DiscoveryIssuer,
    /// The token endpoint says 500.
    Broken,
    Redirects,
    Huge,
    /// It answers, and not within any patience.
    Slow,
    /// Each of its answers comes in time, all of them together do not.
    Tardy,
    /// Discovery and keys are away: 503.
    Away,
    /// No lie: it takes client secrets in the form, as Apple does.
    Apple,
}

/// The server.
#[derive(Clone)]
pub struct Idp(Arc<State>);

struct State {
    url: Mutex<String>,
    signer: Mutex<Arc<Signer>>,
    /// Claims of the id_token in place of those that belong there; `null` leaves one out.
    said: Mutex<Value>,
    now: Mutex<Timestamp>,
    lie: Mutex<Lie>,
    person: Mutex<Value>,
    codes: Mutex<HashMap<String, HashMap<String, String>>>,
    asked: Mutex<Vec<String>>,
    picture: Mutex<Vec<u8>>,
    /// `end_session_endpoint`, where there is one.
    ends: Mutex<Option<Value>>,
    /// How many logout tokens were begun.
    tokens_made: Mutex<u32>,
}

impl Idp {
    /// Listens on a port of this machine. Its clock stands at `now`.
    pub fn start(now: Timestamp) -> Self {
        let idp = Self(Arc::new(State {
            url: Mutex::default(),
            signer: Mutex::new(Arc::new(Signer::es256("one"))),
            said: Mutex::new(json!({})),
            now: Mutex::new(now),
            lie: Mutex::new(Lie::None),
            person: Mutex::new(ann()),
            codes: Mutex::default(),
            asked: Mutex::default(),
            picture: Mutex::default(),
            ends: Mutex::default(),
            tokens_made: Mutex::default(),
        }));
        let shared = idp.clone();
        let server = HttpServer::new(move || {
            App::new().app_data(web::Data::new(shared.clone())).default_service(web::to(answer))
        })
        .workers(1)
        .disable_signals()
        .bind("127.0.0.1:0")
        .expect("a port of this machine");
        *idp.0.url.lock().unwrap() = format!("http://{}", server.addrs()[0]);
        actix_web::rt::spawn(server.run());
        idp
    }

    pub fn url(&self) -> String {
        self.0.url.lock().unwrap().clone()
    }

    pub fn lies(&self, lie: Lie) {
        *self.0.lie.lock().unwrap() = lie;
    }

    /// Its key from now on; the former one is no longer published.
    pub fn signs_with(&self, signer: Signer) {
        *self.0.signer.lock().unwrap() = Arc::new(signer);
    }

    /// Claims of the id_token in place of those that belong there; `null` leaves one out.
    pub fn says(&self, claims: Value) {
        *self.0.said.lock().unwrap() = claims;
    }

    /// Time on its clock.
    pub fn is_at(&self, now: Timestamp) {
        *self.0.now.lock().unwrap() = now;
    }

    /// How often a path was asked for.
    pub fn times_asked(&self, path: &str) -> usize {
        self.asked().iter().filter(|asked| *asked == path).count()
    }

    /// Signed-in person there: claims.
    pub fn person(&self, person: Value) {
        *self.0.person.lock().unwrap() = person;
    }

    /// Body of `/picture.png`.
    pub fn picture(&self, bytes: Vec<u8>) {
        *self.0.picture.lock().unwrap() = bytes;
    }

    /// The paths that were asked for.
    pub fn asked(&self) -> Vec<String> {
        self.0.asked.lock().unwrap().clone()
    }

    /// The person says yes: where the browser goes back to.
    pub fn allow(&self, authorize: &str) -> String {
        let (mut back, asked) = self.back(authorize);
        let code = format!("code-{}", self.0.codes.lock().unwrap().len());
        let issuer = if *self.0.lie.lock().unwrap() == Lie::AnswerIssuer {
            "https://other.example".into()
        } else {
            self.url()
        };
        back.query_pairs_mut()
            .append_pair("code", &code)
            .append_pair("state", &asked["state"])
            .append_pair("iss", &issuer);
        self.0.codes.lock().unwrap().insert(code, asked);
        back.into()
    }

    /// The person says no.
    pub fn deny(&self, authorize: &str) -> String {
        let (mut back, asked) = self.back(authorize);
        back.query_pairs_mut()
            .append_pair("error", "access_denied")
            .append_pair("state", &asked["state"]);
        back.into()
    }

    fn back(&self, authorize: &str) -> (Url, HashMap<String, String>) {
        let url = Url::parse(authorize).expect("a URL");
        assert_eq!(url.origin().ascii_serialization(), self.url());
        let asked: HashMap<String, String> = url.query_pairs().into_owned().collect();
        assert_eq!(
            (asked["client_id"].as_str(), asked["response_type"].as_str()),
            (CLIENT_ID, "code")
        );
        assert_eq!(asked["code_challenge_method"], "S256", "S27");
        assert!(asked["scope"].split(' ').any(|scope| scope == "openid"), "{}", asked["scope"]);
        assert!(asked["nonce"].len() >= 43 && asked["state"].len() >= 43, "S26");
        (Url::parse(&asked["redirect_uri"]).expect("a URL"), asked)
    }

    fn id_token(&self, asked: &HashMap<String, String>, access_token: &str) -> String {
        let (lie, now) = (*self.0.lie.lock().unwrap(), self.0.now.lock().unwrap().as_second());
        let mut claims = self.0.person.lock().unwrap().clone();
        let half = &Sha256::digest(access_token)[..16];
        for (name, value) in [
            (
                "iss",
                json!(if lie == Lie::Issuer {
                    "https://other.example".to_owned()
                } else {
                    self.url()
                }),
            ),
            ("aud", json!(if lie == Lie::Audience { "another-client" } else { CLIENT_ID })),
            ("iat", json!(if lie == Lie::MadeLongAgo { now - 3600 } else { now })),
            ("exp", json!(if lie == Lie::Expired { now - 1 } else { now + 300 })),
            ("nonce", json!(if lie == Lie::Nonce { "another" } else { &asked["nonce"] })),
            (
                "at_hash",
                json!(BASE64_URL_SAFE_NO_PAD.encode(if lie == Lie::AccessTokenHash {
                    &[0; 16]
                } else {
                    half
                })),
            ),
        ] {
            claims[name] = value;
        }
        if lie == Lie::NoSubject {
            claims.as_object_mut().expect("claims").remove("sub");
        }
        if lie == Lie::OtherSubject {
            let kept = claims.as_object_mut().expect("claims");
            kept.retain(|claim, _| {
                !["email", "email_verified", "name", "picture"].contains(&claim.as_str())
            });
        }
        for (name, value) in self.0.said.lock().unwrap().as_object().expect("claims") {
            match value {
                Value::Null => drop(claims.as_object_mut().expect("claims").remove(name)),
                value => claims[name] = value.clone(),
            }
        }
        self.signed(lie, claims)
    }

    fn signed(&self, lie: Lie, claims: Value) -> String {
        let signer = match lie {
            Lie::ForeignKey => Arc::new(Signer::es256("one")),
            Lie::UnknownKey => Arc::new(Signer::es256("unheard-of")),
            _ => Arc::clone(&self.0.signer.lock().unwrap()),
        };
        let algorithm = match lie {
            Lie::Unsigned => "none",
            Lie::SharedSecret | Lie::PublicKeyAsSecret => "HS256",
            _ => signer.algorithm(),
        };
        let encode = |part: Value| BASE64_URL_SAFE_NO_PAD.encode(part.to_string());
        let head = json!({ "alg": algorithm, "kid": signer.kid, "typ": "JWT" });
        let signed = format!("{}.{}", encode(head), encode(claims));
        let shared = |secret: &[u8]| {
            let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, secret);
            ring::hmac::sign(&key, signed.as_bytes()).as_ref().to_vec()
        };
        let signature = match lie {
            Lie::Unsigned => Vec::new(),
            Lie::SharedSecret => shared(CLIENT_SECRET.as_bytes()),
            Lie::PublicKeyAsSecret => shared(&signer.public_bytes()),
            _ => signer.sign(signed.as_bytes()),
        };
        format!("{signed}.{}", BASE64_URL_SAFE_NO_PAD.encode(signature))
    }

    fn token(&self, request: &HttpRequest, body: &[u8]) -> HttpResponse {
        let form: HashMap<String, String> =
            url::form_urlencoded::parse(body).into_owned().collect();
        let encode =
            |text: &str| url::form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
        let basic =
            BASE64_STANDARD.encode(format!("{}:{}", encode(CLIENT_ID), encode(CLIENT_SECRET)));
        let sent = request.headers().get("authorization").and_then(|value| value.to_str().ok());
        // Apple: a secret that is signed anew each time, in the form.
        let is_apples =
            form.get("client_secret").is_some_and(|secret| secret.split('.').count() == 3);
        if sent != Some(&format!("Basic {basic}")) && !is_apples {
            return HttpResponse::Unauthorized().json(json!({ "error": "invalid_client" }));
        }
        let asked =
            self.0.codes.lock().unwrap().remove(form.get("code").map_or("", String::as_str));
        let challenge = BASE64_URL_SAFE_NO_PAD
            .encode(Sha256::digest(form.get("code_verifier").map_or("", String::as_str)));
        let Some(asked) = asked.filter(|asked| {
            asked["code_challenge"] == challenge
                && Some(&asked["redirect_uri"]) == form.get("redirect_uri")
        }) else {
            return HttpResponse::BadRequest().json(json!({ "error": "invalid_grant" }));
        };
        let access_token = "an-access-token";
        let mut answer =
            json!({ "access_token": access_token, "token_type": "Bearer", "expires_in": 300 });
        if *self.0.lie.lock().unwrap() != Lie::NoIdToken {
            answer["id_token"] = self.id_token(&asked, access_token).into();
        }
        HttpResponse::Ok().json(answer)
    }

    fn takes_forms(&self) -> bool {
        *self.0.lie.lock().unwrap() == Lie::Apple
    }

    fn keys(&self) -> Value {
        json!({ "keys": [self.0.signer.lock().unwrap().published()] })
    }

    fn discovery(&self) -> Value {
        let url = self.url();
        let issuer = if *self.0.lie.lock().unwrap() == Lie::DiscoveryIssuer {
            "https://other.example"
        } else {
            &url
        };
        let mut document = json!({
            "issuer": issuer,
            "authorization_endpoint": format!("{url}/authorize"),
            "token_endpoint": format!("{url}/token"),
            "userinfo_endpoint": format!("{url}/userinfo"),
            "jwks_uri": format!("{url}/keys"),
            "response_types_supported": ["code"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": [self.0.signer.lock().unwrap().algorithm()],
            "token_endpoint_auth_methods_supported": if self.takes_forms() { json!([
                "client_secret_post",
            ]) } else { json!(["client_secret_basic"]) },
        });
        if let Some(ends) = self.0.ends.lock().unwrap().clone() {
            document["end_session_endpoint"] = ends;
        }
        document
    }
}

/// Ann, as the server knows her.
pub fn ann() -> Value {
    json!({ "sub": "ann-1", "email": "ann@example.com", "email_verified": true, "name": "Ann Lee" })
}

async fn answer(idp: web::Data<Idp>, request: HttpRequest, body: web::Bytes) -> HttpResponse {
    idp.0.asked.lock().unwrap().push(request.path().to_owned());
    let lie = *idp.0.lie.lock().unwrap();
    if lie == Lie::Tardy {
        actix_web::rt::time::sleep(Duration::from_secs(6)).await;
    }
    match (request.path(), lie) {
        ("/.well-known/openid-configuration" | "/keys", Lie::Away) => {
            HttpResponse::ServiceUnavailable().finish()
        }
        ("/token", Lie::Broken) => HttpResponse::InternalServerError().finish(),
        ("/token", Lie::Redirects) => HttpResponse::Found()
            .insert_header(("location", format!("{}/elsewhere", idp.url())))
            .finish(),
        ("/token", Lie::Huge) => {
            HttpResponse::Ok().content_type("application/json").body("a".repeat(8 << 20))
        }
        ("/token", Lie::Slow) => {
            actix_web::rt::time::sleep(Duration::from_secs(60)).await;
            HttpResponse::Ok().finish()
        }
        ("/.well-known/openid-configuration", _) => HttpResponse::Ok().json(idp.discovery()),
        ("/keys", _) => HttpResponse::Ok().json(idp.keys()),
        ("/token", _) => idp.token(&request, &body),
        ("/userinfo", Lie::OtherSubject) => HttpResponse::Ok()
            .json(json!({ "sub": "eve-1", "email": "ann@example.com", "email_verified": true })),
        ("/userinfo", _) => HttpResponse::Ok().json(idp.0.person.lock().unwrap().clone()),
        ("/picture.png", _) => {
            HttpResponse::Ok().content_type("image/png").body(idp.0.picture.lock().unwrap().clone())
        }
        _ => HttpResponse::NotFound().finish(),
    }
}
