//! Somebody's browser: it keeps cookies, follows redirects, fills forms by label and has no
//! scripts.

use std::collections::BTreeMap;

use actix_web::{http::Method, test::TestRequest};

use super::{ResultPage, TestServer};

const BOUNDARY: &str = "----a-boundary-of-the-tests";

/// A proxy in a network that is not the internet.
pub const PROXY: &str = "172.17.0.1";

/// One browser. Everything it does leaves the page it came to in `page`.
#[derive(Clone)]
pub struct Browser {
    pub page: std::rc::Rc<ResultPage>,
    /// The absolute URL of another site the browser was sent to, if the last step ended there.
    pub left_to: Option<String>,
    pub user_agent: String,
    /// Client address that its requests come from.
    pub address: String,
    /// The `Accept-Language` it sends; empty for none.
    pub languages: String,
    /// The client that a proxy on the way names in `X-Forwarded-For`, if there is one.
    pub behind_proxy: Option<String>,
    /// The `X-Forwarded-For` that a proxy adds, if there is one.
    pub forwarded_for: Option<String>,
    server: TestServer,
    cookies: BTreeMap<String, String>,
    entered: Vec<(String, String)>,
    attached: Vec<(String, String, Vec<u8>)>,
}

impl Browser {
    pub fn new(server: TestServer) -> Self {
        let page = ResultPage {
            path: "about:blank".into(),
            status: 0,
            headers: Default::default(),
            bytes: Vec::new(),
        };
        Self {
            page: page.into(),
            left_to: None,
            user_agent: "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"
                .to_owned(),
            address: super::server::ADDRESS.to_owned(),
            languages: String::new(),
            behind_proxy: None,
            forwarded_for: None,
            server,
            cookies: BTreeMap::new(),
            entered: Vec::new(),
            attached: Vec::new(),
        }
    }

    /// Goes to a path or to an absolute URL of the server.
    pub async fn open(&mut self, url: &str) -> &ResultPage {
        self.go(Method::GET, url, None).await
    }

    /// Types into the field with this label; sent with the next press.
    pub fn fill(&mut self, label: &str, text: &str) -> &mut Self {
        let name = self.page.name_of(label);
        self.entered.push((name, text.to_owned()));
        self
    }

    /// Chooses a file in the field with this label.
    pub fn attach(&mut self, label: &str, file_name: &str, bytes: &[u8]) -> &mut Self {
        let name = self.page.name_of(label);
        self.attached.push((name, file_name.to_owned(), bytes.to_owned()));
        self
    }

    /// Presses the button with this text and follows where it leads.
    pub async fn press(&mut self, button: &str) -> &ResultPage {
        let form = self.page.form(button, &self.entered);
        let attached = std::mem::take(&mut self.attached);
        self.entered.clear();
        if !form.post {
            return self
                .go(Method::GET, &format!("{}?{}", form.action, encode(&form.fields)), None)
                .await;
        }
        let body = if form.multipart {
            (
                format!("multipart/form-data; boundary={BOUNDARY}"),
                multipart(&form.fields, &attached),
            )
        } else {
            ("application/x-www-form-urlencoded".to_owned(), encode(&form.fields).into_bytes())
        };
        self.go(Method::POST, &form.action, Some(body)).await
    }

    /// Sends a body as no form would.
    pub async fn post(&mut self, path: &str, content_type: &str, body: &[u8]) -> &ResultPage {
        self.go(Method::POST, path, Some((content_type.to_owned(), body.to_owned()))).await
    }

    /// The cookies it holds, as a `Cookie` header.
    pub fn cookie_header(&self) -> String {
        self.cookies
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect::<Vec<_>>()
            .join("; ")
    }

    /// Forgets one's cookies, as somebody does who clears them while a form is open.
    pub fn forget_cookies(&mut self) {
        self.cookies.clear();
    }

    async fn go(
        &mut self,
        method: Method,
        url: &str,
        body: Option<(String, Vec<u8>)>,
    ) -> &ResultPage {
        self.left_to = None;
        let (mut method, mut url, mut body) = (method, url.to_owned(), body);
        for _ in 0..10 {
            let Some(path) = self.path_of(&url) else {
                self.left_to = Some(url);
                return &self.page;
            };
            let page = self.send(method.clone(), &path, body.take()).await;
            let target = page.header("location").map(str::to_owned);
            self.page = page.into();
            match (self.page.status, target) {
                (301 | 302 | 303 | 307 | 308, Some(target)) => {
                    (method, url) = (Method::GET, target)
                }
                _ => return &self.page,
            }
        }
        panic!("{url} redirects for ever")
    }

    /// The path within the server; `None` for another site.
    fn path_of(&self, url: &str) -> Option<String> {
        let origin = self.server.public_url.splitn(4, '/').take(3).collect::<Vec<_>>().join("/");
        match url.strip_prefix(&origin) {
            Some("") => Some("/".to_owned()),
            Some(path) => Some(path.to_owned()),
            None if url.starts_with('/') => Some(url.to_owned()),
            None => None,
        }
    }

    async fn send(
        &mut self,
        method: Method,
        path: &str,
        body: Option<(String, Vec<u8>)>,
    ) -> ResultPage {
        let mut request = TestRequest::with_uri(path).method(method.clone());
        let host = self.server.public_url.split('/').nth(2).expect("a host");
        request = request
            .insert_header(("host", host))
            .insert_header(("user-agent", self.user_agent.as_str()));
        if let Some(address) = &self.forwarded_for {
            request = request.insert_header(("x-forwarded-for", address.as_str()));
        }
        if !self.languages.is_empty() {
            request = request.insert_header(("accept-language", self.languages.as_str()));
        }
        if !self.cookies.is_empty() {
            request = request.insert_header(("cookie", self.cookie_header()));
        }
        if let Some((content_type, bytes)) = body {
            let origin =
                self.server.public_url.splitn(4, '/').take(3).collect::<Vec<_>>().join("/");
            request = request
                .insert_header(("content-type", content_type))
                .insert_header(("origin", origin));
            request = request.insert_header(("sec-fetch-site", "same-origin")).set_payload(bytes);
        }
        let (status, headers, bytes) = match &self.behind_proxy {
            Some(client) => {
                self.server
                    .send_from(PROXY, request.insert_header(("x-forwarded-for", client.as_str())))
                    .await
            }
            None => self.server.send_from(&self.address, request).await,
        };
        for cookie in headers.get_all("set-cookie") {
            let cookie = cookie::Cookie::parse(cookie.to_str().expect("ASCII").to_owned())
                .expect("a cookie");
            if cookie.value().is_empty() || cookie.max_age().is_some_and(|age| age.is_zero()) {
                self.cookies.remove(cookie.name());
            } else {
                self.cookies.insert(cookie.name().to_owned(), cookie.value().to_owned());
            }
        }
        let path = path.split(['?', '#']).next().expect("a path").to_owned();
        ResultPage { path, status, headers, bytes }
    }
}

fn encode(fields: &[(String, String)]) -> String {
    url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish()
}

fn multipart(fields: &[(String, String)], attached: &[(String, String, Vec<u8>)]) -> Vec<u8> {
    let mut body = Vec::new();
    for (name, value) in fields {
        let head = format!(
            "--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n"
        );
        body.extend_from_slice(head.as_bytes());
    }
    for (name, file_name, bytes) in attached {
        let head = format!(
            "--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"{name}\"; \
                filename=\"{file_name}\"\r\nContent-Type: application/octet-stream\r\n\r\n"
        );
        body.extend_from_slice(head.as_bytes());
        body.extend_from_slice(bytes);
        body.extend_from_slice(b"\r\n");
    }
    body.extend_from_slice(format!("--{BOUNDARY}--\r\n").as_bytes());
    body
}
