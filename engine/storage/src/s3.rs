//! S3 and everything that speaks its protocol, through object_store.
//!
//! Creates carry `If-None-Match: *` and are sent once: object_store would repeat a conditional PUT after a 5xx, find its own
//! first write and call it a conflict. So the client that writes does not retry, and a failure comes out as `Ambiguous` for
//! the caller to read back. Reads and deletes, which can be repeated without harm, go through a client that does.

mod parts;

use std::ops::Range;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use futures::TryStreamExt;
use object_store::aws::{AmazonS3, AmazonS3Builder, AmazonS3ConfigKey, S3ConditionalPut};
use object_store::path::Path;
use object_store::{
    BackoffConfig, ClientOptions, Error, GetOptions, GetRange, HeaderMap, HeaderValue, ObjectMeta,
    ObjectStore, ObjectStoreExt, PutMode, PutOptions, RetryConfig,
};

use crate::error::{Action, StorageError};
use crate::key;
use crate::object_storage::{ObjectInfo, ObjectStorage, PutOutcome};

/// Limit for one request. What is not sent in parts has at most 32 MB, and takes 16 s at 2 MB/s.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(60);
/// Limit for a connection to come up.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// Retries of a read within the client; the engine has its own patience on top.
const READ_RETRIES: usize = 3;

/// A prefix of a bucket.
#[derive(Clone, Debug)]
pub struct S3Storage {
    location: String,
    prefix: String,
    /// Repeats requests.
    reads: AmazonS3,
    /// Sends each request once.
    writes: AmazonS3,
    /// The same for uploads in parts, with the condition that the key is free.
    completes: AmazonS3,
}

impl S3Storage {
    /// The bucket with endpoint, region and credentials from the `AWS_*` environment variables (`AWS_ENDPOINT_URL`,
    /// `AWS_REGION`, `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY`, `AWS_SESSION_TOKEN`, ...), else from the machine's or
    /// pod's role. A plain-text endpoint is allowed: whoever sets one means it.
    ///
    /// # Errors
    /// `InvalidLocation` if no client can be made from these variables; `InvalidKey` for an impossible prefix.
    pub fn from_environment(bucket: &str, prefix: &str) -> Result<Self, StorageError> {
        Self::with_settings(bucket, prefix, &[])
    }

    /// The same, where these settings take the place of the environment variables of their names: `AWS_ENDPOINT_URL`.
    ///
    /// # Errors
    /// As [`S3Storage::from_environment`].
    pub fn with_settings(
        bucket: &str,
        prefix: &str,
        settings: &[(&str, &str)],
    ) -> Result<Self, StorageError> {
        if !prefix.is_empty() {
            key::check(prefix)?;
        }
        let location =
            if prefix.is_empty() { format!("s3://{bucket}") } else { format!("s3://{bucket}/{prefix}") };
        let refused = |error: Error| StorageError::InvalidLocation {
            uri: location.clone(),
            reason: format!("no S3 client can be made from the AWS_* environment variables: {error}"),
        };
        let mut builder = AmazonS3Builder::from_env();
        for (name, value) in settings {
            let key: AmazonS3ConfigKey = name.to_ascii_lowercase().parse().map_err(refused)?;
            builder = builder.with_config(key, *value);
        }
        let client = |max_retries, headers: HeaderMap| {
            let options = ClientOptions::new()
                .with_timeout(REQUEST_TIMEOUT)
                .with_connect_timeout(CONNECT_TIMEOUT)
                .with_default_headers(headers);
            let retry = RetryConfig {
                backoff: BackoffConfig::default(),
                max_retries,
                retry_timeout: REQUEST_TIMEOUT,
            };
            let builder = builder.clone().with_bucket_name(bucket).with_client_options(options);
            let builder = builder.with_allow_http(true).with_conditional_put(S3ConditionalPut::ETagMatch);
            builder.with_retry(retry).build().map_err(refused)
        };
        let mut if_free = HeaderMap::new();
        if_free.insert("if-none-match", HeaderValue::from_static("*"));
        Ok(Self {
            prefix: prefix.to_owned(),
            reads: client(READ_RETRIES, HeaderMap::new())?,
            writes: client(0, HeaderMap::new())?,
            completes: client(0, if_free)?,
            location,
        })
    }

    fn path(&self, action: Action, key: &str) -> Result<Path, StorageError> {
        key::check(key)?;
        let full = if self.prefix.is_empty() { key.to_owned() } else { format!("{}/{key}", self.prefix) };
        Path::parse(full).map_err(|e| StorageError::permanent(action, &self.location, key, e))
    }

    fn info(&self, meta: &ObjectMeta) -> Option<ObjectInfo> {
        let key = meta.location.as_ref().strip_prefix(&self.prefix)?.trim_start_matches('/');
        Some(ObjectInfo {
            key: key.to_owned(),
            length: meta.size,
            modified_ms: u64::try_from(meta.last_modified.timestamp_millis()).unwrap_or(0),
        })
    }

    fn error(&self, action: Action, key: &str, error: Error) -> StorageError {
        let mut answer = Answer::of(&error.to_string());
        let code = answer.code.as_deref();
        let is_refusal = match &error {
            // A missing bucket also answers 404, but that says nothing about the object.
            Error::NotFound { .. } if matches!(action, Action::Get | Action::Head) => {
                if code != Some("NoSuchBucket") {
                    return StorageError::not_found(&self.location, key);
                }
                true
            }
            Error::NotFound { .. }
            | Error::PermissionDenied { .. }
            | Error::Unauthenticated { .. }
            | Error::NotSupported { .. }
            | Error::NotImplemented { .. }
            | Error::InvalidPath { .. }
            | Error::UnknownConfigurationKey { .. } => true,
            // Listings report every status as a generic error.
            _ => code.is_some_and(|code| REFUSALS.contains(&code)),
        };
        if answer.text.contains(BROKEN_BODY) {
            answer.text += ": the answer ended early; see whether something between here and the store breaks connections";
        }
        if let Some(advice) = code.and_then(advice) {
            answer.text = format!("{}; {advice}", answer.text);
        }
        if is_refusal {
            StorageError::permanent(action, &self.location, key, answer.text)
        } else {
            StorageError::unanswered(action, &self.location, key, answer.text)
        }
    }
}

/// Error codes of S3 after which the same request fails again.
const REFUSALS: [&str; 10] = [
    "AccessDenied",
    "AuthorizationHeaderMalformed",
    "ExpiredToken",
    "InvalidAccessKeyId",
    "InvalidBucketName",
    "InvalidToken",
    "NoSuchBucket",
    "NotImplemented",
    "PermanentRedirect",
    "SignatureDoesNotMatch",
];

/// Error code of S3 for a range that has no byte of the object.
const BEHIND_THE_END: &str = "InvalidRange";

/// How object_store says that the rest of an answer never came.
const BROKEN_BODY: &str = "response body error";

/// What to do about an error code, where one can say.
fn advice(code: &str) -> Option<&'static str> {
    Some(match code {
        "AccessDenied" => {
            "let these credentials list the bucket, and get, put and delete objects below the prefix"
        }
        "InvalidAccessKeyId" | "SignatureDoesNotMatch" | "AuthorizationHeaderMalformed" => {
            "check AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_REGION, and the clock of this machine"
        }
        "ExpiredToken" | "InvalidToken" => "get new credentials: AWS_SESSION_TOKEN is of the past",
        "RequestTimeTooSkewed" => "set the clock of this machine",
        "NoSuchBucket" | "InvalidBucketName" => {
            "create the bucket, or name another one with --storage; AWS_ENDPOINT_URL says on which server it is looked for"
        }
        "PermanentRedirect" => "set AWS_REGION to the region of the bucket",
        "NotImplemented" => "use a store that has what exactly-once needs: PUT with If-None-Match",
        "SlowDown" | "ServiceUnavailable" | "InternalError" => "the store is overloaded or down: look there",
        _ => return None,
    })
}

/// What S3 said, without the XML around it.
#[derive(Debug, PartialEq, Eq)]
struct Answer {
    code: Option<String>,
    text: String,
}

impl Answer {
    /// Reads the text of an error, in which object_store includes the body of the answer.
    fn of(text: &str) -> Self {
        let element = |name: &str| {
            let (_, after) = text.split_once(&format!("<{name}>"))?;
            Some(after.split_once(&format!("</{name}>"))?.0.to_owned())
        };
        let code = element("Code");
        let text = match (&code, element("Message")) {
            (Some(code), Some(message)) => format!("{message} ({code})"),
            (Some(code), None) => code.clone(),
            (None, _) => text.split("<?xml").next().unwrap_or(text).trim().to_owned(),
        };
        Self { code, text }
    }
}

#[async_trait]
impl ObjectStorage for S3Storage {
    fn location(&self) -> &str {
        &self.location
    }

    async fn get(&self, key: &str) -> Result<Bytes, StorageError> {
        let path = self.path(Action::Get, key)?;
        let answer = self.reads.get(&path).await.map_err(|e| self.error(Action::Get, key, e))?;
        let body = if answer.meta.size > parts::LARGE_BYTES {
            parts::get(&self.reads, &path, &answer.meta).await
        } else {
            answer.bytes().await
        };
        body.map_err(|e| self.error(Action::Get, key, e))
    }

    async fn get_range(&self, key: &str, range: Range<u64>) -> Result<Bytes, StorageError> {
        let path = self.path(Action::Get, key)?;
        let answer = if range.is_empty() {
            None
        } else {
            let options =
                GetOptions { range: Some(GetRange::Bounded(range.clone())), ..GetOptions::default() };
            match self.reads.get_opts(&path, options).await {
                Err(error) if Answer::of(&error.to_string()).code.as_deref() == Some(BEHIND_THE_END) => None,
                answer => Some(answer.map_err(|e| self.error(Action::Get, key, e))?),
            }
        };
        match answer {
            Some(answer) => answer.bytes().await.map_err(|e| self.error(Action::Get, key, e)),
            // Nothing of an object is nothing, but nothing of no object is an error.
            None => match self.head(key).await? {
                Some(_) => Ok(Bytes::new()),
                None => Err(StorageError::not_found(&self.location, key)),
            },
        }
    }

    async fn head(&self, key: &str) -> Result<Option<ObjectInfo>, StorageError> {
        let path = self.path(Action::Head, key)?;
        match self.reads.head(&path).await {
            Ok(meta) => Ok(self.info(&meta)),
            Err(Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(self.error(Action::Head, key, error)),
        }
    }

    async fn put_if_absent(&self, key: &str, body: Bytes) -> Result<PutOutcome, StorageError> {
        let path = self.path(Action::Create, key)?;
        let put = if body.len() as u64 > parts::LARGE_BYTES {
            if self.head(key).await?.is_some() {
                return Ok(PutOutcome::AlreadyExists);
            }
            parts::put(&self.reads, &self.completes, &path, &body).await
        } else {
            let options = PutOptions::from(PutMode::Create);
            self.writes.put_opts(&path, body.into(), options).await.map(drop)
        };
        match put {
            Ok(()) => Ok(PutOutcome::Created),
            Err(Error::AlreadyExists { .. } | Error::Precondition { .. }) => Ok(PutOutcome::AlreadyExists),
            Err(error) => Err(self.error(Action::Create, key, error)),
        }
    }

    async fn list(&self, prefix: &str) -> Result<Vec<ObjectInfo>, StorageError> {
        key::check_prefix(prefix)?;
        let folder = [self.prefix.as_str(), prefix.trim_end_matches('/')];
        let folder = folder.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("/");
        let path = Path::parse(folder)
            .map_err(|e| StorageError::permanent(Action::List, &self.location, prefix, e))?;
        let listed: Vec<ObjectMeta> = self
            .reads
            .list(Some(&path))
            .try_collect()
            .await
            .map_err(|e| self.error(Action::List, prefix, e))?;
        let mut found: Vec<ObjectInfo> = listed.iter().filter_map(|meta| self.info(meta)).collect();
        found.sort_by(|a, b| a.key.cmp(&b.key));
        Ok(found)
    }

    async fn delete(&self, key: &str) -> Result<(), StorageError> {
        let path = self.path(Action::Delete, key)?;
        match self.reads.delete(&path).await {
            Ok(()) | Err(Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(self.error(Action::Delete, key, error)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Remedy;

    fn generic(text: &str) -> Error {
        Error::Generic { store: "S3", source: text.to_owned().into() }
    }

    #[test]
    fn answers_lose_their_xml() {
        let body = "Error performing PUT http://x/b/k - Server returned non-2xx status code: 404 Not Found: <?xml \
                    version=\"1.0\"?>\n<Error><Code>NoSuchBucket</Code><Message>The specified bucket does not \
                    exist.</Message><HostId>x</HostId></Error>";
        let answer = Answer::of(body);
        assert_eq!(answer.code.as_deref(), Some("NoSuchBucket"));
        assert_eq!(answer.text, "The specified bucket does not exist. (NoSuchBucket)");
        assert_eq!(Answer::of("connection refused").text, "connection refused");
        assert_eq!(Answer::of("502 Bad Gateway: <?xml version=\"1.0\"?><html/>").text, "502 Bad Gateway:");
    }

    #[test]
    fn errors_are_classified_by_remedy() {
        let storage = S3Storage::from_environment("bucket", "prefix").unwrap();
        let not_found = |text: &str| Error::NotFound { path: "k".to_owned(), source: text.to_owned().into() };
        let code = |code: &str| format!("<Error><Code>{code}</Code><Message>m</Message></Error>");
        let table = [
            (Action::Get, not_found(&code("NoSuchKey")), Remedy::Absent),
            (Action::Get, not_found(&code("NoSuchBucket")), Remedy::GiveUp),
            (Action::Create, not_found(&code("NoSuchBucket")), Remedy::GiveUp),
            (Action::List, generic(&code("NoSuchBucket")), Remedy::GiveUp),
            (Action::List, generic(&code("SignatureDoesNotMatch")), Remedy::GiveUp),
            (Action::List, generic(&code("SlowDown")), Remedy::Retry),
            (Action::Get, generic("timed out"), Remedy::Retry),
            (Action::Delete, generic("timed out"), Remedy::Retry),
            (Action::Create, generic("timed out"), Remedy::ReadBack),
            (Action::Create, generic(&code("InternalError")), Remedy::ReadBack),
        ];
        for (action, error, remedy) in table {
            let text = error.to_string();
            assert_eq!(storage.error(action, "k", error).remedy(), remedy, "{action}: {text}");
        }
        for refusal in REFUSALS {
            let error = storage.error(Action::Create, "k", generic(&code(refusal)));
            let cause = std::error::Error::source(&error).unwrap().to_string();
            assert!(cause.starts_with(&format!("m ({refusal}); ")), "no advice in: {cause}");
        }
    }
}
