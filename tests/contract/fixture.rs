//! One backend to ask, and the inbox of those who use it.

use std::sync::Arc;

use actix_web::test::TestRequest;
use vestibule::{
    SystemClock,
    port::{
        AccessToken, AuthManager, Caller, Channel, Code, Field, Grant, OperationError, Outcome,
        Password, SignInOutcome, SignUpWithEmail, SignedUp,
    },
    remote::{Remote, RemoteSettings},
};

use crate::support::{CLIENT_KEY, PASSWORD, Served, TestServer};

/// How the engine is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Surface {
    Pages,
    Rest,
    Remote,
}

pub struct Fixture {
    pub way: Surface,
    pub auth: Arc<dyn AuthManager>,
    server: TestServer,
    _served: Option<Served>,
}

impl Fixture {
    /// One for each way.
    pub async fn each() -> Vec<Self> {
        Self::each_with(&[]).await
    }

    /// As [`each`](Self::each), with settings of the engine, named as in the environment.
    pub async fn each_with(settings: &[(&str, &str)]) -> Vec<Self> {
        let mut benches = Vec::new();
        for way in [Surface::Pages, Surface::Rest, Surface::Remote] {
            let server = TestServer::open_with(
                &[&[("VESTIBULE_SERVER__TRUSTED_PROXIES", "127.0.0.1")], settings].concat(),
            )
            .await;
            benches.push(Self::open(way, server).await);
        }
        benches
    }

    async fn open(way: Surface, server: TestServer) -> Self {
        let engine = server.vestibule.auth();
        if way != Surface::Remote {
            return Self { way, auth: engine, server, _served: None };
        }
        let served = Served::of(&server).await;
        let settings = RemoteSettings {
            env_url: served.url(),
            client_key: CLIENT_KEY.to_owned(),
            public_url: "http://front.example".to_owned(),
            capabilities: engine.capabilities().clone(),
        };
        let remote = Remote::new(settings, Arc::new(SystemClock)).expect("an adapter");
        Self { way, auth: Arc::new(remote), server, _served: Some(served) }
    }

    /// Somebody who is not signed in.
    pub fn somebody(&self) -> Caller {
        Caller {
            channel: if self.way == Surface::Rest { Channel::Api } else { Channel::Pages },
            address: Some("198.51.100.7".parse().expect("an address")),
            unlisted: None,
            user_agent: "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"
                .to_owned(),
            session: None,
            browser: None,
            devices: Vec::new(),
            redirect_url: None,
            is_operator: false,
        }
    }

    /// The one whose session that is.
    pub fn with(&self, grant: &Grant) -> Caller {
        Caller { session: grant.session.token.clone(), ..self.somebody() }
    }

    pub async fn sign_up(
        &self,
        email: &str,
        password: &str,
        name: Option<&str>,
    ) -> Outcome<SignedUp> {
        let sign_up = SignUpWithEmail {
            email: email.to_owned(),
            password: Password::entered(password),
            name: name.map(str::to_owned),
            fields: serde_json::Map::new(),
        };
        self.auth.sign_up_with_email(self.somebody(), sign_up).await
    }

    pub async fn sign_in(&self, email: &str, password: &str) -> Outcome<Grant> {
        let sign_in_outcome = self
            .auth
            .sign_in_with_email(self.somebody(), email.to_owned(), Password::entered(password))
            .await;
        sign_in_outcome.map(granted)
    }

    /// Somebody who signed up and proved their address.
    pub async fn signed_in_user(&self, email: &str) -> Grant {
        self.sign_up(email, PASSWORD, Some("Ann")).await.expect("a sign-up");
        let token = self.token(email, "email-confirm").await;
        granted(self.auth.get_auth_grant(self.somebody(), token).await.expect("a grant"))
    }

    pub async fn is_alive(&self, caller: &Caller) -> bool {
        self.auth.signed_in_user(caller.clone()).await.is_ok()
    }

    /// How many emails somebody got.
    pub async fn emails(&self, email: &str) -> usize {
        self.server.email_to(email).await.len()
    }

    /// The code in the newest text that somebody got.
    pub async fn code(&self, phone: &str) -> String {
        self.server.newest_code_to(phone).await
    }

    /// The access token behind the link in somebody's newest email.
    pub async fn token(&self, email: &str, action: &str) -> AccessToken {
        let location = self.redirect_target(email).await;
        let url = url::Url::parse(&location).expect("an absolute URL");
        let of = |name: &str| {
            url.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
        };
        assert_eq!(of("action").as_deref(), Some(action), "{location}");
        AccessToken::parse(&of("access_token").expect("an access token")).expect("a token")
    }

    /// Where the link in somebody's newest email leads.
    pub async fn redirect_target(&self, email: &str) -> String {
        let link = self.server.newest_email_to(email).await.link();
        let path = link.strip_prefix(&self.server.public_url).expect("a link of ours");
        let (status, headers, _) = self.server.send(TestRequest::get().uri(path)).await;
        assert_eq!(status, 302, "{link}");
        headers.get("location").expect("a location").to_str().expect("ASCII").to_owned()
    }
}

/// The session of a sign-in outcome that asks for nothing more.
pub fn granted(sign_in_outcome: SignInOutcome) -> Grant {
    match sign_in_outcome {
        SignInOutcome::SignedIn(grant) => grant,
        SignInOutcome::SecondFactorRequired(_) => panic!("a second factor is asked for"),
    }
}

/// Refused with exactly these problems.
#[track_caller]
pub fn refused<T>(fixture: &Fixture, outcome: Outcome<T>, problems: &[(Code, Option<Field>)]) {
    let told: Vec<_> = match outcome {
        Err(OperationError::Rejected(refusal)) => {
            refusal.problems().iter().map(|problem| (problem.code, problem.field)).collect()
        }
        Err(OperationError::Internal(failure)) => panic!("{:?}: {failure}", fixture.way),
        Ok(_) => panic!("{:?}: not refused with {problems:?}", fixture.way),
    };
    assert_eq!(told, problems, "{:?}", fixture.way);
}
