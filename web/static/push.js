// The page of calls: this phone asks to be told, once its owner has tapped, and says why where
// it cannot. What it sends is an ordinary form of the page.
const form = document.getElementById("push");

const why = (name) => {
  for (const one of document.querySelectorAll("[data-push-why]")) one.hidden = one.dataset.pushWhy !== name;
};

// An iPhone lets a site ask only once it stands on the home screen.
const isApple = /iPhone|iPad/.test(navigator.userAgent) || (/Macintosh/.test(navigator.userAgent) && navigator.maxTouchPoints > 1);
const missing = () => {
  if (!window.isSecureContext) return "secure";
  const has = "serviceWorker" in navigator && "PushManager" in window && "Notification" in window;
  if (has) return "";
  return isApple && !navigator.standalone ? "iphone" : "browser";
};

const ready = async () => {
  await navigator.serviceWorker.register("/sw.js");
  return navigator.serviceWorker.ready;
};

// A browser that asked with an older key of the platform's has to let go of it first.
const subscribed = async (manager) => {
  const wanted = { userVisibleOnly: true, applicationServerKey: form.dataset.key };
  try {
    return await manager.subscribe(wanted);
  } catch (trouble) {
    const old = trouble.name === "InvalidStateError" && (await manager.getSubscription());
    if (!old) throw trouble;
    await old.unsubscribe();
    return manager.subscribe(wanted);
  }
};

const ask = async (happened) => {
  happened.preventDefault();
  const button = form.querySelector("button");
  button.disabled = true;
  try {
    if ((await Notification.requestPermission()) !== "granted") {
      why("denied");
      return;
    }
    const { endpoint, keys } = (await subscribed((await ready()).pushManager)).toJSON();
    form.elements.endpoint.value = endpoint;
    form.elements.key.value = keys.p256dh;
    form.elements.secret.value = keys.auth;
    form.submit();
  } catch {
    why("failed");
  } finally {
    button.disabled = false;
  }
};

// A phone that was added here and has been forbidden since would stay silent without a word.
const isSilent = async () => {
  const { pushManager } = await ready();
  return Notification.permission !== "granted" || !(await pushManager.getSubscription());
};

const begin = async () => {
  const reason = missing();
  why(reason);
  if (reason) return;
  const isHere = form.dataset.here === "yes";
  if (isHere && !(await isSilent())) return;
  if (isHere) why("silent");
  else if (Notification.permission === "denied") why("denied");
  form.addEventListener("submit", ask);
  form.hidden = false;
};

if (form) begin();
