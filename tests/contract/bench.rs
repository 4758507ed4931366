//! One backend to ask, and the inbox of those who use it.

use std::sync::Arc;

use actix_web::test::TestRequest;
use vestibule::{
    SystemClock,
    port::{
        AccessToken, AuthManager, Caller, Code, Door, Entrance, Field, Grant, Outcome, Password, SignUpWithEmail,
        SignedUp, Trouble,
    },
    remote::{Remote, Settings},
};

use crate::support::{CLIENT_KEY, Hall, PASSWORD, Served};

/// How the engine is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    Pages,
    Rest,
    Remote,
}

pub struct Bench {
    pub way: Way,
    pub auth: Arc<dyn AuthManager>,
    hall: Hall,
    _served: Option<Served>,
}

impl Bench {
    /// One for each way.
    pub async fn each() -> Vec<Self> {
        Self::each_with(&[]).await
    }

    /// As [`each`](Self::each), with settings of the engine, named as in the environment.
    pub async fn each_with(settings: &[(&str, &str)]) -> Vec<Self> {
        let mut benches = Vec::new();
        for way in [Way::Pages, Way::Rest, Way::Remote] {
            let hall =
                Hall::open_with(&[&[("VESTIBULE_SERVER__TRUSTED_PROXIES", "127.0.0.1")], settings].concat()).await;
            benches.push(Self::open(way, hall).await);
        }
        benches
    }

    async fn open(way: Way, hall: Hall) -> Self {
        let engine = hall.vestibule.auth();
        if way != Way::Remote {
            return Self { way, auth: engine, hall, _served: None };
        }
        let served = Served::of(&hall).await;
        let settings = Settings {
            env_url: served.url(),
            client_key: CLIENT_KEY.to_owned(),
            public_url: "http://front.example".to_owned(),
            offers: engine.offers().clone(),
        };
        let remote = Remote::new(settings, Arc::new(SystemClock)).expect("an adapter");
        Self { way, auth: Arc::new(remote), hall, _served: Some(served) }
    }

    /// Somebody who is not signed in.
    pub fn somebody(&self) -> Caller {
        Caller {
            door: if self.way == Way::Rest { Door::Rest } else { Door::Pages },
            address: Some("198.51.100.7".parse().expect("an address")),
            unlisted: None,
            user_agent: "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0".to_owned(),
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

    pub async fn sign_up(&self, email: &str, password: &str, name: Option<&str>) -> Outcome<SignedUp> {
        let sign_up = SignUpWithEmail {
            email: email.to_owned(),
            password: Password::typed(password),
            name: name.map(str::to_owned),
            fields: serde_json::Map::new(),
        };
        self.auth.sign_up_with_email(self.somebody(), sign_up).await
    }

    pub async fn sign_in(&self, email: &str, password: &str) -> Outcome<Grant> {
        let entrance = self.auth.sign_in_with_email(self.somebody(), email.to_owned(), Password::typed(password)).await;
        entrance.map(granted)
    }

    /// Somebody who signed up and proved their address.
    pub async fn member(&self, email: &str) -> Grant {
        self.sign_up(email, PASSWORD, Some("Ann")).await.expect("a sign-up");
        let token = self.token(email, "email-confirm").await;
        granted(self.auth.get_auth_grant(self.somebody(), token).await.expect("a grant"))
    }

    pub async fn is_alive(&self, caller: &Caller) -> bool {
        self.auth.member(caller.clone()).await.is_ok()
    }

    /// How many mails somebody got.
    pub async fn mails(&self, email: &str) -> usize {
        self.hall.mail_to(email).await.len()
    }

    /// The code in the newest text that somebody got.
    pub async fn code(&self, phone: &str) -> String {
        self.hall.newest_code_to(phone).await
    }

    /// The access token behind the link in somebody's newest mail.
    pub async fn token(&self, email: &str, action: &str) -> AccessToken {
        let location = self.landing(email).await;
        let url = url::Url::parse(&location).expect("an absolute URL");
        let of = |name: &str| url.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned());
        assert_eq!(of("action").as_deref(), Some(action), "{location}");
        AccessToken::parse(&of("access_token").expect("an access token")).expect("a token")
    }

    /// Where the link in somebody's newest mail leads.
    pub async fn landing(&self, email: &str) -> String {
        let link = self.hall.newest_mail_to(email).await.link();
        let path = link.strip_prefix(&self.hall.public_url).expect("a link of ours");
        let (status, headers, _) = self.hall.send(TestRequest::get().uri(path)).await;
        assert_eq!(status, 302, "{link}");
        headers.get("location").expect("a location").to_str().expect("ASCII").to_owned()
    }
}

/// The session of an entrance that asks for nothing more.
pub fn granted(entrance: Entrance) -> Grant {
    match entrance {
        Entrance::Granted(grant) => grant,
        Entrance::Challenged(_) => panic!("a second factor is asked for"),
    }
}

/// Refused with exactly these problems.
#[track_caller]
pub fn refused<T>(bench: &Bench, outcome: Outcome<T>, problems: &[(Code, Option<Field>)]) {
    let told: Vec<_> = match outcome {
        Err(Trouble::Refused(refusal)) => {
            refusal.problems().iter().map(|problem| (problem.code, problem.field)).collect()
        }
        Err(Trouble::Failed(failure)) => panic!("{:?}: {failure}", bench.way),
        Ok(_) => panic!("{:?}: not refused with {problems:?}", bench.way),
    };
    assert_eq!(told, problems, "{:?}", bench.way);
}
