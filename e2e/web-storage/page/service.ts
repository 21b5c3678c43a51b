import type { ServiceReport, ServiceRequest } from "./sw.js";

/** Sends a request to the service worker. */
export async function inServiceWorker(request: ServiceRequest): Promise<ServiceReport> {
  const registration = await navigator.serviceWorker.register("/sw.js");
  const worker = await active(registration);
  const { port1, port2 } = new MessageChannel();
  worker.postMessage(request, [port2]);
  const { report, failure } = await new Promise<{ report?: ServiceReport; failure?: string }>((resolve) => {
    port1.onmessage = ({ data }) => resolve(data);
  });
  await registration.unregister();
  if (report === undefined) throw new Error(failure);
  return report;
}

async function active(registration: ServiceWorkerRegistration): Promise<ServiceWorker> {
  const worker = registration.active ?? registration.waiting ?? registration.installing!;
  if (worker.state !== "activated") {
    await new Promise<void>((resolve, reject) => {
      worker.onstatechange = () => {
        if (worker.state === "activated") resolve();
        else if (worker.state === "redundant") reject(new Error("the service worker did not start"));
      };
    });
  }
  return worker;
}
