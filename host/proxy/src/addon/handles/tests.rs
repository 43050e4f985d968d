//! Whatever a handle keeps is the component's memory until the handle is gone.

use bytes::Bytes;
use http::{HeaderValue, StatusCode, header};

use super::*;
use crate::{
    addon::{
        limits::Limits,
        memory::{MemoryMeter, OutOfMemory},
    },
    flow::{Body, BodyFailure, Fields, samples::request},
};

const LIMIT: usize = 1 << 20;

fn handles() -> (Handles, Arc<Account>) {
    let account = MemoryMeter::new(LIMIT).account().clone();
    (Handles::new(account.clone()), account)
}

fn response() -> Response {
    Response::new(StatusCode::OK, Fields::default(), Body::Empty)
}

fn used(account: &Account) -> usize {
    LIMIT - account.room()
}

/// Another handle of the same thing, as a component would pass it.
fn again<T: 'static>(handle: &Resource<T>) -> Resource<T> {
    Resource::new_own(handle.rep())
}

#[test]
fn every_handle_costs_and_every_drop_gives_back() {
    let (mut handles, account) = handles();
    let lent = handles.lend_request(Box::new(request(Body::Empty))).expect("room");
    assert_eq!(used(&account), HANDLE);
    let copy = handles.copy_request(&lent).expect("room");
    let body = handles.request_body(&lent).expect("room");
    let reader = handles.reader(&body).expect("room");
    let response = handles.new_response(response(), None).expect("room");
    let of_response = handles.response_body(&response).expect("room");
    assert!(used(&account) >= 6 * HANDLE);
    handles.forget(reader).expect("a handle");
    handles.forget(body).expect("a handle");
    handles.forget(of_response).expect("a handle");
    handles.forget(copy).expect("a handle");
    handles.forget(response).expect("a handle");
    assert_eq!(used(&account), HANDLE);
    handles.take_request(lent).expect("the request");
    assert_eq!(used(&account), 0);
}

#[test]
fn a_body_counts_as_long_as_anything_keeps_it() {
    let (mut handles, account) = handles();
    let lent = handles.lend_request(Box::new(request(Body::Empty))).expect("room");
    handles.set_request_body(&lent, vec![0; 1000]).expect("a handle").expect("room");
    let body = handles.request_body(&lent).expect("room");
    let reader = handles.reader(&body).expect("room");
    handles.set_request_body(&lent, vec![0; 500]).expect("a handle").expect("room");
    assert_eq!(used(&account), 3 * HANDLE + 1500);
    handles.forget(body).expect("a handle");
    assert_eq!(used(&account), 2 * HANDLE + 1500);
    handles.forget(reader).expect("a handle");
    assert_eq!(used(&account), HANDLE + 500);
}

#[test]
fn a_body_of_the_flow_counts_once_it_is_held() {
    let (mut handles, account) = handles();
    let lent = handles.lend_request(Box::new(request(Body::Bytes(Bytes::from(vec![0; 1000]))))).expect("room");
    assert_eq!(used(&account), HANDLE);
    let one = handles.request_body(&lent).expect("room");
    let _other = handles.request_body(&lent).expect("room");
    assert_eq!(used(&account), 3 * HANDLE + 1000);
    handles.forget(one).expect("a handle");
    handles.take_request(lent).expect("the request");
    assert_eq!(used(&account), HANDLE + 1000);
}

#[test]
fn what_there_is_no_room_for_is_refused_and_changes_nothing() {
    let (mut handles, account) = handles();
    let lent = handles.lend_request(Box::new(request(Body::Empty))).expect("room");
    let refused = handles.set_request_body(&lent, vec![0; LIMIT]).expect("a handle");
    assert!(matches!(refused, Err(EditError::TooLarge)));
    assert!(matches!(handles.request(&lent).expect("a handle").body, Body::Empty));
    assert_eq!(used(&account), HANDLE);
    handles.set_request_body(&lent, vec![0; LIMIT - HANDLE]).expect("a handle").expect("room");
    for refused in [
        handles.copy_request(&again(&lent)).map(drop),
        handles.request_body(&again(&lent)).map(drop),
        handles.new_response(response(), None).map(drop),
        handles.give_response(response(), 10).map(drop),
        handles.give_request(request(Body::Empty), 10).map(drop),
    ] {
        assert!(refused.expect_err("no room").is::<OutOfMemory>());
    }
    assert_eq!(account.room(), 0);
}

#[test]
fn an_edited_head_is_the_components() {
    let (mut handles, account) = handles();
    let value = HeaderValue::from_maybe_shared(Bytes::from(vec![b'a'; 10_000])).expect("a value");
    let lent = handles.lend_response(Box::new(response())).expect("room");
    let edited = handles.edit_response(&lent, |head, room| {
        room.exchange(HeadSize::ZERO, HeadSize::lines(&header::ETAG, [&value]))?;
        head.fields.add(header::ETAG, value.clone());
        Ok(())
    });
    edited.expect("a handle").expect("room");
    assert!(used(&account) >= HANDLE + 10_000);
    let response = handles.take_response(lent).expect("a handle").expect("a status");
    assert_eq!(response.head.fields.map().len(), 1);
    assert_eq!(used(&account), 0);
}

#[tokio::test]
async fn no_more_of_a_body_is_collected_than_there_is_room_for() {
    let (mut handles, _account) = handles();
    let limits = Limits::default();
    let lent = handles.lend_request(Box::new(request(Body::Empty))).expect("room");
    handles.set_request_body(&lent, vec![1; LIMIT / 2]).expect("a handle").expect("room");
    let body = handles.request_body(&lent).expect("room");
    let all = handles.collect(&body, &limits, u64::MAX).await.expect("a handle");
    assert_eq!(all.expect("it is charged already").len(), LIMIT / 2);
    let too_little = handles.collect(&body, &limits, LIMIT as u64 / 2 - 1).await.expect("a handle");
    assert_eq!(too_little, Err(BodyFailure::TooLarge));
}

#[test]
fn a_component_that_drops_no_handles_is_found_out_before_the_table_is_full() {
    let (mut handles, _account) = handles();
    let lent = handles.lend_request(Box::new(request(Body::Empty))).expect("room");
    for _ in 0..HANDLES / 2 {
        assert!(!handles.are_many());
        handles.request_body(&lent).expect("room");
    }
    assert!(handles.are_many());
}
