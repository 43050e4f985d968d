use std::{sync::mpsc, time::Instant};

use super::*;

/// A call that computes until its part of the processor's time is over, turn by turn, and then says who it was.
async fn computing(turns: u32, name: &'static str, said: mpsc::Sender<&'static str>) -> &'static str {
    for _ in 0..turns {
        let until = Instant::now() + Duration::from_millis(1);
        while Instant::now() < until {}
        tokio::task::yield_now().await;
    }
    let _ = said.send(name);
    name
}

#[tokio::test]
async fn a_call_that_goes_on_here_gives_its_result_and_keeps_its_timers() {
    let scheduler = Scheduler::default();
    let result = scheduler.go_on(1, async {
        tokio::time::sleep(Duration::from_millis(1)).await;
        7
    });
    assert_eq!(result.await, Some(7));
}

/// One thread, so that the order is what the queue says.
fn single() -> (Scheduler, Arc<Queue>) {
    let queue = Arc::new(Queue::default());
    let scheduler = Scheduler { queue: OnceLock::from(queue.clone()) };
    (scheduler, queue)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn addons_take_turns_and_the_shortest_call_of_one_comes_first() {
    let (scheduler, queue) = single();
    let (said, order) = mpsc::channel();
    let mut calls = Vec::new();
    for _ in 0..20 {
        calls.push(scheduler.go_on(1, computing(10, "loop", said.clone())));
    }
    calls.push(scheduler.go_on(1, computing(2, "short", said.clone())));
    calls.push(scheduler.go_on(2, computing(15, "other", said.clone())));
    let worker = thread::spawn(move || queue.run());
    for call in calls {
        assert!(call.await.is_some());
    }
    drop((scheduler, said));
    let order: Vec<_> = order.iter().collect();
    assert_eq!(order.len(), 22);
    let place = |name| order.iter().position(|said| *said == name);
    // Every other turn is the other addon's: it is through after thirty. The short call has its second turn when each of the
    // twenty has had no more than that.
    assert_eq!((place("other"), place("short")), (Some(0), Some(1)));
    worker.join().expect("the thread ends with the scheduler");
}

#[tokio::test]
async fn a_call_that_nobody_waits_for_ends() {
    struct Told(Option<oneshot::Sender<()>>);
    impl Drop for Told {
        fn drop(&mut self) {
            let _ = self.0.take().map(|told| told.send(()));
        }
    }
    let scheduler = Scheduler::default();
    for is_computing in [true, false] {
        let (sender, told) = oneshot::channel();
        let held = Told(Some(sender));
        let call = scheduler.go_on(1, async move {
            let _held = held;
            if is_computing {
                loop {
                    tokio::task::yield_now().await;
                }
            }
            std::future::pending::<()>().await;
        });
        drop(call);
        told.await.expect("what the call held is dropped");
    }
}
