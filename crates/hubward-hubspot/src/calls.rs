//! The calls that a caller makes: each builds its request, sends it until the answer stands, and reads it.

use std::sync::Arc;

use hubward_core::{ErrorKind, ExposeSecret, Pipeline, PropertyDef, ValidationRule};
use serde::Serialize;

use crate::attempt::Answer;
use crate::client::Client;
use crate::config::Auth;
use crate::definitions::Sensitivity;
use crate::error::ApiError;
use crate::metadata::{self, Account, AssociationLabel, AssociationLimit, Owner, Schema, TokenInfo};
use crate::reply::{self, AssociatedRecords, AssociationReply, BatchReply, RecordResult, SearchReply};
use crate::request::{ApiRequest, CallMeta};
use crate::requests::{self, AssociationInput, Input};
use crate::search::SearchQuery;
use crate::version::Endpoint;

/// Pages of owners at most: 100,000 owners. A cursor that never ends must not either.
const OWNER_PAGES_MAX: usize = 1_000;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct TokenKey<'a> {
    token_key: &'a str,
}

/// All calls fail with what HubSpot or the network said last; kind `Unknown` means that a create may have happened and must
/// be looked for, kind `DailyLimit` that the day's calls are used up (nothing was sent then). Batches: a success status is
/// not proof for every input; the caller accounts for each (api.md 3.6).
impl Client {
    async fn batch(&self, request: ApiRequest, meta: &CallMeta) -> Result<BatchReply, ApiError> {
        self.batch_of(request, meta, reply::batch).await
    }

    async fn batch_of(
        &self,
        request: ApiRequest,
        meta: &CallMeta,
        decode: fn(u16, &[u8]) -> Result<BatchReply, String>,
    ) -> Result<BatchReply, ApiError> {
        let answer = self.call(&request, meta, decode).await?;
        Ok(BatchReply { attempts: answer.attempts, correlation_id: answer.correlation_id, ..answer.value })
    }

    async fn value<T>(
        &self,
        request: ApiRequest,
        meta: &CallMeta,
        decode: fn(u16, &[u8]) -> Result<T, String>,
    ) -> Result<T, ApiError> {
        let answer = self.call(&request, meta, decode).await?;
        Ok(answer.value)
    }

    /// Creates up to 100 records. Never repeated after an unknown outcome.
    ///
    /// # Errors
    /// See the type's calls: the last refusal or failure.
    pub async fn batch_create(&self, t: &str, inputs: &[Input<'_>], meta: &CallMeta) -> Result<BatchReply, ApiError> {
        self.batch(requests::batch_create(self.version(), t, inputs), meta).await
    }

    /// Updates up to 100 records, by record id (`id_property` none) or by a unique property.
    ///
    /// # Errors
    /// The last refusal or failure; without trace ids one bad value refuses the whole batch.
    pub async fn batch_update(
        &self,
        t: &str,
        id_property: Option<&str>,
        inputs: &[Input<'_>],
        meta: &CallMeta,
    ) -> Result<BatchReply, ApiError> {
        let request = requests::batch_update(self.version(), t, id_property, inputs);
        self.batch(request, meta).await
    }

    /// Creates or updates up to 100 records by a unique property.
    ///
    /// # Errors
    /// The last refusal or failure; a duplicate key refuses the whole batch.
    pub async fn batch_upsert(
        &self,
        t: &str,
        id_property: Option<&str>,
        inputs: &[Input<'_>],
        meta: &CallMeta,
    ) -> Result<BatchReply, ApiError> {
        let request = requests::batch_upsert(self.version(), t, id_property, inputs);
        self.batch(request, meta).await
    }

    /// Reads up to 100 records by record id or by a unique property. Missing ones stand in `errors`.
    ///
    /// # Errors
    /// The last refusal or failure.
    pub async fn batch_read(
        &self,
        t: &str,
        id_property: Option<&str>,
        ids: &[String],
        properties: &[String],
        meta: &CallMeta,
    ) -> Result<BatchReply, ApiError> {
        let request = requests::batch_read(self.version(), t, id_property, ids, properties);
        self.batch(request, meta).await
    }

    /// Moves up to 100 records to the recycle bin. HubSpot answers without a body, for unknown ids too (api.md 3.6,
    /// unverified); should it answer with a mixed result, its refusals stand in the reply's `errors`.
    ///
    /// # Errors
    /// The last refusal or failure.
    pub async fn batch_archive(&self, t: &str, ids: &[String], meta: &CallMeta) -> Result<BatchReply, ApiError> {
        self.batch_of(requests::batch_archive(self.version(), t, ids), meta, reply::archived).await
    }

    /// One page of a search. What was written seconds ago may be missing (api.md 4.2).
    ///
    /// # Errors
    /// The last refusal or failure.
    pub async fn search(&self, t: &str, query: &SearchQuery, meta: &CallMeta) -> Result<SearchReply, ApiError> {
        let request = requests::search(self.version(), t, query);
        let answer = self.call(&request, meta, reply::search).await?;
        Ok(SearchReply { attempts: answer.attempts, ..answer.value })
    }

    /// Reads one record; none when HubSpot has no such record. A merged-away id answers with the surviving record.
    ///
    /// # Errors
    /// The last refusal or failure.
    pub async fn read_record(
        &self,
        t: &str,
        id: &str,
        id_property: Option<&str>,
        properties: &[String],
        meta: &CallMeta,
    ) -> Result<Option<RecordResult>, ApiError> {
        let request = requests::read_record(self.version(), t, id, id_property, properties);
        match self.value(request, meta, reply::record).await {
            Ok(record) => Ok(Some(record)),
            Err(error) if error.kind == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Updates one record.
    ///
    /// # Errors
    /// The last refusal or failure; `NotFound` when there is no such record.
    pub async fn update_record(
        &self,
        t: &str,
        id: &str,
        id_property: Option<&str>,
        properties: &[(Arc<str>, String)],
        meta: &CallMeta,
    ) -> Result<RecordResult, ApiError> {
        let request = requests::update_record(self.version(), t, id, id_property, properties);
        self.value(request, meta, reply::record).await
    }

    /// Creates one record. Never repeated after an unknown outcome.
    ///
    /// # Errors
    /// The last refusal or failure; `Conflict` with `existing_id` when the unique value is taken.
    pub async fn create_record(
        &self,
        t: &str,
        properties: &[(Arc<str>, String)],
        meta: &CallMeta,
    ) -> Result<RecordResult, ApiError> {
        let request = requests::create_record(self.version(), t, properties);
        self.value(request, meta, reply::record).await
    }

    /// Associates up to [`requests::ASSOCIATION_BATCH_MAX`] pairs; with no types at all, by HubSpot's default kind.
    ///
    /// # Errors
    /// The last refusal or failure; refused pairs stand in the reply's `errors`.
    pub async fn associate(
        &self,
        from: &str,
        to: &str,
        pairs: &[AssociationInput<'_>],
        meta: &CallMeta,
    ) -> Result<AssociationReply, ApiError> {
        let request = requests::associate(self.version(), from, to, pairs);
        self.association(request, meta).await
    }

    /// Removes every association of each pair. The reply has no results; refused pairs stand in its `errors`.
    ///
    /// # Errors
    /// The last refusal or failure.
    pub async fn dissociate(
        &self,
        from: &str,
        to: &str,
        pairs: &[AssociationInput<'_>],
        meta: &CallMeta,
    ) -> Result<AssociationReply, ApiError> {
        let request = requests::dissociate(self.version(), from, to, pairs);
        self.removal(request, meta).await
    }

    /// Takes the labels that each pair names off it; the pairs stay associated.
    ///
    /// # Errors
    /// The last refusal or failure.
    pub async fn unlabel(
        &self,
        from: &str,
        to: &str,
        pairs: &[AssociationInput<'_>],
        meta: &CallMeta,
    ) -> Result<AssociationReply, ApiError> {
        let request = requests::unlabel(self.version(), from, to, pairs);
        self.removal(request, meta).await
    }

    async fn removal(&self, request: ApiRequest, meta: &CallMeta) -> Result<AssociationReply, ApiError> {
        let answer: Answer<AssociationReply> = self.call(&request, meta, reply::removals).await?;
        Ok(AssociationReply { attempts: answer.attempts, correlation_id: answer.correlation_id, ..answer.value })
    }

    async fn association(&self, request: ApiRequest, meta: &CallMeta) -> Result<AssociationReply, ApiError> {
        let answer: Answer<AssociationReply> = self.call(&request, meta, reply::associations).await?;
        Ok(AssociationReply {
            status: answer.status,
            attempts: answer.attempts,
            correlation_id: answer.correlation_id,
            ..answer.value
        })
    }

    /// Reads the associations of up to 1,000 records, each (id, page cursor), and the parts that failed.
    ///
    /// # Errors
    /// The last refusal or failure.
    pub async fn associations_read(
        &self,
        from: &str,
        to: &str,
        ids: &[(String, Option<String>)],
        meta: &CallMeta,
    ) -> Result<(Vec<AssociatedRecords>, Vec<ApiError>), ApiError> {
        let request = requests::associations_read(self.version(), from, to, ids);
        self.value(request, meta, reply::associated).await
    }

    /// The account behind the token.
    ///
    /// # Errors
    /// The last refusal or failure.
    pub async fn account(&self) -> Result<Account, ApiError> {
        let request = requests::account(self.version());
        self.value(request, &CallMeta::default(), metadata::account).await
    }

    /// What the token may do: private-app introspection for a given token, OAuth introspection otherwise (api.md 10.3).
    ///
    /// # Errors
    /// The last refusal or failure. A token that is neither a private app's nor a service key's may be refused here and
    /// work everywhere else.
    pub async fn token_info(&self) -> Result<TokenInfo, ApiError> {
        match &self.inner.config.auth {
            Auth::Token(token) => {
                let body = TokenKey { token_key: token.expose_secret() };
                let request = requests::token_json(Endpoint::PrivateAppToken.path(self.version(), &[]), &body);
                self.value(request, &CallMeta::default(), metadata::token_info).await
            }
            Auth::OAuth { client_id, client_secret, .. } => {
                let bearer = self.bearer().await?;
                let fields = [
                    ("token_type_hint", "access_token"),
                    ("token", bearer.token.expose_secret()),
                    ("client_id", client_id.as_str()),
                    ("client_secret", client_secret.expose_secret()),
                ];
                self.introspect(&fields).await
            }
        }
    }

    /// The property definitions of an object type that hold data of this sensitivity (api.md 5.1).
    ///
    /// # Errors
    /// The last refusal or failure.
    pub async fn properties_of(&self, t: &str, sensitivity: Sensitivity) -> Result<Vec<PropertyDef>, ApiError> {
        let request = requests::properties_of(self.version(), t, sensitivity);
        self.value(request, &CallMeta::default(), metadata::properties).await
    }

    /// The property definitions of an object type. Sensitive ones are not listed (api.md 5.1).
    ///
    /// # Errors
    /// The last refusal or failure.
    pub async fn properties(&self, t: &str) -> Result<Vec<PropertyDef>, ApiError> {
        let request = requests::properties(self.version(), t);
        self.value(request, &CallMeta::default(), metadata::properties).await
    }

    /// The account's custom object types.
    ///
    /// # Errors
    /// The last refusal or failure; `MissingScope` or `NotInEdition` for accounts without custom objects.
    pub async fn schemas(&self) -> Result<Vec<Schema>, ApiError> {
        let request = requests::schemas(self.version());
        self.value(request, &CallMeta::default(), metadata::schemas).await
    }

    /// The pipelines of an object type.
    ///
    /// # Errors
    /// The last refusal or failure.
    pub async fn pipelines(&self, t: &str) -> Result<Vec<Pipeline>, ApiError> {
        let request = requests::pipelines(self.version(), t);
        self.value(request, &CallMeta::default(), metadata::pipelines).await
    }

    /// The validation rules that an admin gave the properties of an object type, which is named by its type id.
    ///
    /// # Errors
    /// The last refusal or failure.
    pub async fn validations(&self, type_id: &str) -> Result<Vec<ValidationRule>, ApiError> {
        let request = requests::validations(self.version(), type_id);
        self.value(request, &CallMeta::default(), metadata::validations).await
    }

    /// All owners, page by page.
    ///
    /// # Errors
    /// The last refusal or failure of any page; kind `Unreadable` when the pages do not end.
    pub async fn owners(&self) -> Result<Vec<Owner>, ApiError> {
        let mut owners = Vec::new();
        let mut after = None;
        for _ in 0..OWNER_PAGES_MAX {
            let request = requests::owners(self.version(), after.as_deref());
            let (page, next) = self.value(request, &CallMeta::default(), metadata::owners).await?;
            owners.extend(page);
            if next.is_none() {
                return Ok(owners);
            }
            after = next;
        }
        Err(ApiError::new(
            ErrorKind::Unreadable,
            format!("HubSpot's list of owners does not end after {OWNER_PAGES_MAX} pages"),
        ))
    }

    /// The kinds of association from one object type to another.
    ///
    /// # Errors
    /// The last refusal or failure.
    pub async fn association_labels(&self, from: &str, to: &str) -> Result<Vec<AssociationLabel>, ApiError> {
        let request = requests::association_labels(self.version(), from, to);
        self.value(request, &CallMeta::default(), metadata::labels).await
    }

    /// The limits that the account's admins gave kinds of association in this direction.
    ///
    /// # Errors
    /// HubSpot's refusal.
    pub async fn association_limits(&self, from: &str, to: &str) -> Result<Vec<AssociationLimit>, ApiError> {
        let request = requests::association_limits(self.version(), from, to);
        self.value(request, &CallMeta::default(), metadata::limits).await
    }
}
