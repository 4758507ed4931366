//! Pictures of people: stored over there, shown from here.
//!
//! A page of ours shows only what comes from its own origin: a picture from elsewhere would tell
//! that place who looks at the page. So the URL of a stored file is turned into a path of ours, and
//! what is asked for there is fetched from the environment. Three names are all that is taken from
//! the URL, whoever wrote it into the user object: the request goes to the environment and to no
//! other host (S31), follows no redirect, and ends at [`PICTURE_MAX`].
//!
//! The bytes are the environment's; we do not encode them again. What does not begin like a picture
//! is not shown, and what does is served with its type, `nosniff` and a policy under which nothing
//! in it can run.

use reqwest::multipart::{Form, Part};
use serde::Deserialize;
use serde_json::{Value, json};
use url::Url;

use super::{Remote, unreadable, wire::Ask};
use crate::{
    port::{Caller, Code, Failure, FieldUpdate, Outcome, Picture, Update, User},
    protocol::{objects::UserObject, paths, refusals::RequestContext},
};

/// The largest picture that is fetched, in bytes.
const PICTURE_MAX: usize = 8 * 1024 * 1024;

/// The longest of the three names.
const NAME_MAX: usize = 64;

/// Where pictures are stored and where they are shown.
#[derive(Debug)]
pub(super) struct PictureUrls {
    stored: String,
    shown: String,
}

/// Name of a stored file: environment, bucket and file.
#[derive(Debug, PartialEq, Eq)]
struct Names(String, String, String);

/// The answer to an upload, as far as it matters.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Uploaded {
    public_path: String,
}

impl PictureUrls {
    pub(super) fn new(env_url: &str, public_url: &str) -> Result<Self, url::ParseError> {
        Url::parse(env_url)?;
        // On a shared cluster the files stand beside the environments, not below them
        // (altogic-protocol.md §7).
        let base = match env_url.rsplit_once('/') {
            Some((base, last)) if last.starts_with("e:") => base,
            _ => env_url,
        };
        Ok(Self {
            stored: format!("{base}{}", paths::STORAGE),
            shown: format!("{public_url}{}", paths::STORAGE),
        })
    }

    /// The user with the address of their picture as our pages serve it. What is no stored file
    /// stays as it is, and our pages show initials for it.
    pub(super) fn shown(&self, user: User) -> User {
        let names = user.profile_picture.as_deref().and_then(Names::read);
        let shown = names.map(|Names(environment, bucket, file)| {
            format!("{}/{environment}/{bucket}/{file}", self.shown)
        });
        User { profile_picture: shown.or(user.profile_picture), ..user }
    }

    fn stored(&self, Names(environment, bucket, file): &Names) -> String {
        format!("{}/{environment}/{bucket}/{file}", self.stored)
    }
}

impl Names {
    /// Out of `…/_storage/{environment}/{bucket}/{file}`. The host does not matter: it is not
    /// asked.
    fn read(url: &str) -> Option<Self> {
        let url = Url::parse(url).ok().filter(|url| matches!(url.scheme(), "http" | "https"))?;
        let (_, names) = url.path().rsplit_once(&format!("{}/", paths::STORAGE))?;
        let mut names = names.split('/');
        let (Some(environment), Some(bucket), Some(file), None) =
            (names.next(), names.next(), names.next(), names.next())
        else {
            return None;
        };
        Self::of(environment, bucket, file)
    }

    /// Plain names only: nothing that could lead out of the folder they are put into.
    fn of(environment: &str, bucket: &str, file: &str) -> Option<Self> {
        let plain = |name: &str| {
            let letters =
                name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte));
            letters && !name.is_empty() && name.len() <= NAME_MAX && !name.starts_with('.')
        };
        [environment, bucket, file]
            .iter()
            .all(|name| plain(name))
            .then(|| Self(environment.to_owned(), bucket.to_owned(), file.to_owned()))
    }
}

/// Stores the picture, names it in the user object, deletes the former one.
pub(super) async fn change_picture(
    remote: &Remote,
    caller: &Caller,
    bytes: Vec<u8>,
) -> Outcome<User> {
    let missing = if bytes.is_empty() { Code::MissingPicture } else { Code::NotAPicture };
    let kind = kind_of(&bytes).ok_or(missing)?;
    let user = remote.unchanged_user(caller).await?;
    let uploaded: Uploaded = remote.ask(caller, upload(&user.id, kind, bytes)?).await?;
    let named = Update::Set(Value::String(uploaded.public_path.clone()));
    match remote.name_picture(caller, &user.id, named).await {
        Ok(changed) => {
            remote.discard(caller, user.profile_picture).await;
            Ok(changed)
        }
        Err(rejection) => {
            remote.discard(caller, Some(uploaded.public_path)).await;
            Err(rejection)
        }
    }
}

/// Goes back to initials and deletes the picture.
pub(super) async fn remove_picture(remote: &Remote, caller: &Caller) -> Outcome<User> {
    let user = remote.unchanged_user(caller).await?;
    let changed = remote.name_picture(caller, &user.id, Update::Unset).await?;
    remote.discard(caller, user.profile_picture).await;
    Ok(changed)
}

impl Remote {
    /// A stored picture, for anybody; `None` where there is none, or what is there is no picture.
    ///
    /// # Errors
    /// When the environment does not answer.
    pub async fn picture(
        &self,
        environment: &str,
        bucket: &str,
        file: &str,
    ) -> Result<Option<Picture>, Failure> {
        let Some(names) = Names::of(environment, bucket, file) else { return Ok(None) };
        let bytes = self.0.wire.fetch_public(&self.0.pictures.stored(&names), PICTURE_MAX).await?;
        Ok(bytes.and_then(|bytes| kind_of(&bytes).map(|mime_type| Picture { mime_type, bytes })))
    }

    /// The user with the picture's own URL, as the environment knows it.
    async fn unchanged_user(&self, caller: &Caller) -> Outcome<User> {
        let user: UserObject =
            self.ask(caller, Ask::get(paths::USER, RequestContext::Session)).await?;
        Ok(user.read().map_err(unreadable)?)
    }

    async fn name_picture(&self, caller: &Caller, user_id: &str, update: Update) -> Outcome<User> {
        self.update(
            caller,
            user_id,
            vec![FieldUpdate { field: "profilePicture".to_owned(), update }],
        )
        .await
    }

    /// Deletes a stored file that nothing names any more. That it stays is no reason to tell a
    /// person anything.
    async fn discard(&self, caller: &Caller, url: Option<String>) {
        let Some(url) = url.filter(|url| Names::read(url).is_some()) else { return };
        let ask =
            Ask::post(paths::DELETE_FILE, RequestContext::File).json(json!({ "fileUrl": url }));
        if let Err(rejection) = self.call_without_result(caller, ask).await {
            tracing::warn!(?rejection, "a picture that nobody needs any more could not be deleted");
        }
    }
}

fn upload(user_id: &str, kind: &'static str, bytes: Vec<u8>) -> Result<Ask, Failure> {
    let name = format!("user_{user_id}");
    let part =
        Part::bytes(bytes).file_name(name.clone()).mime_str(kind).map_err(Failure::broken)?;
    let options = json!({ "contentType": kind, "createBucket": true }).to_string();
    let ask = Ask::post(paths::UPLOAD_FORM, RequestContext::File)
        .query("bucket", "root")
        .query("fileName", &name);
    Ok(ask.query("options", &options).form(Form::new().part("file", part)))
}

/// The type of a raster picture by its first bytes; nothing else is asked or believed.
fn kind_of(bytes: &[u8]) -> Option<&'static str> {
    match bytes {
        [0xff, 0xd8, 0xff, ..] => Some("image/jpeg"),
        [0x89, b'P', b'N', b'G', b'\r', b'\n', 0x1a, b'\n', ..] => Some("image/png"),
        [b'G', b'I', b'F', b'8', b'7' | b'9', b'a', ..] => Some("image/gif"),
        [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => Some("image/webp"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(url: &str) -> Option<(String, String, String)> {
        Names::read(url).map(|Names(environment, bucket, file)| (environment, bucket, file))
    }

    /// S31: whoever wrote the URL, three plain names are all that is used of it.
    #[test]
    fn a_stored_file_is_known_by_three_plain_names() {
        let read = |text: &str| Some(("e".to_owned(), "b".to_owned(), text.to_owned()));
        assert_eq!(names("https://c1.example/_storage/e/b/f"), read("f"));
        assert_eq!(names("https://c1.example/hall/_storage/e/b/f.png?v=2#x"), read("f.png"));
        for url in [
            "https://c1.example/_storage/e/b",
            "https://c1.example/_storage/e/b/f/g",
            "https://c1.example/_storage/e/b/%2e%2e",
            "https://c1.example/_storage/e/b/..%2ff",
            "https://c1.example/_storage/e/b/",
            "https://c1.example/picture.png",
            "file:///_storage/e/b/f",
            "not a URL",
        ] {
            assert_eq!(names(url), None, "{url}");
        }
    }

    #[test]
    fn files_of_a_cluster_stand_beside_its_environments() {
        let stored = |env_url| PictureUrls::new(env_url, "http://localhost:3000").unwrap().stored;
        assert_eq!(stored("https://c1.example/e:62a1"), "https://c1.example/_storage");
        assert_eq!(stored("https://sub.c1.example"), "https://sub.c1.example/_storage");
        assert_eq!(stored("https://c1.example/hall"), "https://c1.example/hall/_storage");
    }

    #[test]
    fn what_does_not_begin_like_a_picture_is_none() {
        assert_eq!(kind_of(b"\x89PNG\r\n\x1a\nrest"), Some("image/png"));
        for bytes in [&b"<svg xmlns"[..], b"<!doctype html>", b"GIF8", b"RIFF0000WAVE", b""] {
            assert_eq!(kind_of(bytes), None);
        }
    }
}
