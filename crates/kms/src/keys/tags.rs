//! Tags: TagResource, UntagResource, ListResourceTags, and the tags that a new key starts with.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::arn::KeyArn;
use super::state::Need;
use crate::api::error::{Code, Result};
use crate::api::page::{Page, Paged};
use crate::service::{Ask, Call};

/// A tag on the wire.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[allow(missing_docs, reason = "the API model explains its members")]
pub struct Tag {
    pub tag_key: String,
    pub tag_value: String,
}

/// How many tags a key may have (KMS guide, "Tags").
const MOST: usize = 50;

/// The tags of a key that is being made (CreateKey, ReplicateKey), whose giver may also tag.
///
/// # Errors
///
/// `AccessDeniedException` without `kms:TagResource`, `TagException`.
pub fn of_new_key(call: &Call, arn: &KeyArn, given: &[Tag]) -> Result<BTreeMap<String, String>> {
    let mut tags = BTreeMap::new();
    if !given.is_empty() {
        call.authorize_at_home(&Ask::to("TagResource").tags(given), &arn.to_string())?;
        put(&mut tags, given)?;
    }
    Ok(tags)
}

/// Adds `given` to `tags`, or replaces those of the same keys.
fn put(tags: &mut BTreeMap<String, String>, given: &[Tag]) -> Result<()> {
    let refused = |text: String| Err(Code::TagException.because(text));
    for (place, tag) in given.iter().enumerate() {
        if reserved(&tag.tag_key) {
            return refused(format!("Tag key {} is not allowed: tags must not begin with aws:", tag.tag_key));
        }
        if given.iter().take(place).any(|before| before.tag_key == tag.tag_key) {
            return refused(format!("Duplicate tag keys: {}", tag.tag_key));
        }
        tags.insert(tag.tag_key.clone(), tag.tag_value.clone());
    }
    if tags.len() > MOST {
        return refused(format!("Too many tags: a key has at most {MOST}"));
    }
    Ok(())
}

/// Whether the tag is AWS's own to give.
fn reserved(key: &str) -> bool {
    key.get(..4).is_some_and(|start| start.eq_ignore_ascii_case("aws:"))
}

/// The request of TagResource.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
#[allow(missing_docs, reason = "the API model explains its members")]
pub struct TagResourceRequest {
    pub key_id: String,
    pub tags: Vec<Tag>,
}

/// TagResource.
pub fn tag_resource(call: &Call, request: TagResourceRequest) -> Result<()> {
    let key = call.open(&request.key_id, &Ask::to("TagResource").tags(&request.tags), Need::Alive)?;
    call.change(&key, Need::Alive, |record| put(&mut record.tags, &request.tags))
}

/// The request of UntagResource.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
#[allow(missing_docs, reason = "the API model explains its members")]
pub struct UntagResourceRequest {
    pub key_id: String,
    pub tag_keys: Vec<String>,
}

/// UntagResource. Tags that the key doesn't have are no error.
pub fn untag_resource(call: &Call, request: UntagResourceRequest) -> Result<()> {
    let ask = Ask::to("UntagResource").facts("aws:TagKeys", request.tag_keys.iter().cloned());
    let key = call.open(&request.key_id, &ask, Need::Alive)?;
    if let Some(own) = request.tag_keys.iter().find(|key| reserved(key)) {
        return Err(Code::TagException.because(format!("Tag key {own} is not allowed: it is AWS's own")));
    }
    call.change(&key, Need::Alive, |record| {
        record.tags.retain(|key, _| !request.tag_keys.contains(key));
        Ok(())
    })
}

/// The request of ListResourceTags.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
#[allow(missing_docs, reason = "the API model explains its members")]
pub struct ListResourceTagsRequest {
    pub key_id: String,
    pub limit: Option<usize>,
    pub marker: Option<String>,
}

/// The answer of ListResourceTags.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
#[allow(missing_docs, reason = "the API model explains its members")]
pub struct ListResourceTagsResponse {
    pub tags: Vec<Tag>,
    #[serde(flatten)]
    pub paged: Paged,
}

/// ListResourceTags: by their keys.
pub fn list_resource_tags(call: &Call, request: ListResourceTagsRequest) -> Result<ListResourceTagsResponse> {
    let key = call.open(&request.key_id, &Ask::to("ListResourceTags"), Need::Anything)?;
    let page = Page::of(request.limit, request.marker.as_deref(), MOST)?;
    let of = |(key, value): (&String, &String)| Tag { tag_key: key.clone(), tag_value: value.clone() };
    let (tags, paged) = page.cut_all(key.record.tags.iter().map(of).collect(), |tag| tag.tag_key.clone())?;
    Ok(ListResourceTagsResponse { tags, paged })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tag(key: &str, value: &str) -> Tag {
        Tag { tag_key: key.to_owned(), tag_value: value.to_owned() }
    }

    #[test]
    fn k40_a_tag_of_a_key_that_is_there_is_replaced() {
        let mut tags = BTreeMap::new();
        put(&mut tags, &[tag("a", "1"), tag("A", "2")]).unwrap();
        put(&mut tags, &[tag("a", "3")]).unwrap();
        assert_eq!(tags, BTreeMap::from([("a".into(), "3".into()), ("A".into(), "2".into())]));
    }

    #[test]
    fn k40_awss_own_tags_duplicates_and_more_than_fifty_are_refused() {
        let refused = |given: &[Tag]| put(&mut BTreeMap::new(), given).unwrap_err().code;
        assert_eq!(refused(&[tag("aws:x", "")]), Code::TagException);
        assert_eq!(refused(&[tag("AWS:x", "")]), Code::TagException);
        assert_eq!(refused(&[tag("a", "1"), tag("a", "2")]), Code::TagException);
        let many: Vec<Tag> = (0..51).map(|number| tag(&number.to_string(), "")).collect();
        assert_eq!(refused(&many), Code::TagException);
        let mut tags = BTreeMap::new();
        put(&mut tags, &many[..50]).unwrap();
        put(&mut tags, &[tag("0", "again")]).unwrap();
        assert_eq!(put(&mut tags, &[tag("one more", "")]).unwrap_err().code, Code::TagException);
    }
}
