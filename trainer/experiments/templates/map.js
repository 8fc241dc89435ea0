(() => {
  const map = document.currentScript.previousElementSibling, tip = map.querySelector('output');
  const groups = [...map.querySelectorAll('g[data-group]')];
  const buttons = [...map.querySelectorAll('li button')];
  const show = (i, on) => {
    groups[i].style.display = on ? '' : 'none';
    buttons[i].setAttribute('aria-pressed', on);
  };
  buttons.forEach((b, i) => b.onclick = () => show(i, b.getAttribute('aria-pressed') !== 'true'));
  map.querySelector('.all').onclick = () => {
    const on = buttons.some(b => b.getAttribute('aria-pressed') !== 'true');
    buttons.forEach((b, i) => show(i, on));
  };
  map.onpointermove = event => {
    tip.textContent = event.target.dataset?.tip ?? '';
    const box = map.getBoundingClientRect(), x = event.clientX - box.left + 14;
    tip.style.left = Math.max(0, Math.min(x, box.width - tip.offsetWidth)) + 'px';
    tip.style.top = event.clientY - box.top + 16 + 'px';
  };
  map.onpointerleave = () => { tip.textContent = ''; };
})();
