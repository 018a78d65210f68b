(() => {
  "use strict";
  const form = document.querySelector("[data-place]"), offer = form && form.querySelector("[data-locate]");
  if (!offer || !navigator.geolocation || !isSecureContext) return;
  offer.hidden = false;
  const said = offer.querySelector("[role=status]");
  offer.querySelector("button").onclick = () => navigator.geolocation.getCurrentPosition(
    ({coords}) => {
      // Two decimals are about a kilometre: more never leaves the phone.
      form.elements.lat.value = coords.latitude.toFixed(2);
      form.elements.lon.value = coords.longitude.toFixed(2);
      form.submit();
    },
    () => { said.textContent = said.dataset.failed; },
    {maximumAge: 600000, timeout: 15000});
})();
