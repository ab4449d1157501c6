/** Styles as thumbnails, one of which is chosen, and a slider for each that can be mixed. */

/**
 * A painting, and what its style makes of a landscape.
 *
 * @typedef {object} Style
 * @property {string} name
 * @property {string | null} title
 * @property {string | null} artist
 * @property {string | null} year
 * @property {number} place among the weights of its program
 * @property {string | null} sample address of a picture; nothing if it is there to be mixed alone
 */

/**
 * What a browser fetches to run a program; see scripts/web_styles.py.
 *
 * @typedef {object} Runnable
 * @property {string} address
 * @property {number} bytes
 * @property {number[]} probe
 */

/**
 * One style, or several, which takes so many weights.
 *
 * @typedef {object} Program
 * @property {string} name
 * @property {number} weights 0 for one style
 * @property {Style[]} styles
 * @property {Runnable} [run] if it runs in the visitor's browser
 * @property {{run?: Runnable}} [quick] another, for a first look
 * @property {Blob} [painting] the visitor's own, of which nobody has a style
 */

/**
 * @typedef {object} Choice
 * @property {Program} program
 * @property {Record<string, number>} mixture of its styles, by name; empty for one style
 * @property {string} name for files
 */

/** @param {Style} style */
function titleOf({ name, title }) {
  return title ?? words(name);
}

/** @param {Program} program */
function shownOf({ styles }) {
  return styles.filter(({ sample }) => sample);
}

/** @param {string} name */
function words(name) {
  return name.replaceAll("_", " ");
}

/** What a file's name adds to a title. @param {Program} program @param {Style} style */
function added({ name }, style) {
  const known = titleOf(style).toLowerCase().split(" ");
  return words(name).split(" ").filter((word) => !known.includes(word)).join(" ");
}

/**
 * @param {Program[]} programs
 * @param {(id: string) => any} element
 * @param {() => void} changed called when something else is chosen
 * @returns {() => Choice | undefined} what is chosen; nothing if all of a mixture is 0
 */
export function makeChooser(programs, element, changed) {
  const [styles, mixing, mixture] = ["styles", "mixing", "mixture"].map(element);
  /** @type {Map<string, HTMLInputElement>} */
  const sliders = new Map();
  let program = programs.find(({ quick }) => quick) ?? programs[0];
  /** Whose styles the sliders mix. @type {Program | undefined} */
  let mixed;
  const titles = programs.flatMap((each) => shownOf(each).map(titleOf));

  /** @param {Program} chosen @param {Style} style */
  function select(chosen, style) {
    program = chosen;
    const called = chosen.weights ? style.name : chosen.name;
    const holds = (/** @type {Program} */ { weights, styles: held }) =>
      weights > 0 && held.some(({ name }) => name === called);
    offerMixture(chosen.painting ? undefined : [chosen, ...programs].find(holds));
    for (const [name, slider] of sliders) set(slider, name === called ? 100 : 0);
  }

  /** @param {Program | undefined} wanted */
  function offerMixture(wanted) {
    mixing.hidden = !wanted;
    if (mixed === wanted) return;
    mixed = wanted;
    sliders.clear();
    mixture.replaceChildren();
    if (!wanted) return;
    for (const style of wanted.styles) {
      const slider = document.createElement("input");
      Object.assign(slider, { type: "range", min: "0", max: "100", step: "5" });
      const value = document.createElement("output");
      const label = document.createElement("label");
      label.className = "row";
      label.append(titleOf(style), " ", value, slider);
      slider.addEventListener("input", () => {
        set(slider, Number(slider.value));
        program = wanted;
        for (const radio of styles.querySelectorAll("input")) radio.checked = false;
        changed();
      });
      mixture.append(label);
      sliders.set(style.name, slider);
    }
  }

  /** @param {Program} each @param {Style} style */
  function card(each, style) {
    const radio = document.createElement("input");
    Object.assign(radio, { type: "radio", name: "style", value: `${each.name}:${style.name}` });
    radio.addEventListener("change", () => {
      select(each, style);
      changed();
    });
    const isTwice = titles.indexOf(titleOf(style)) !== titles.lastIndexOf(titleOf(style));
    return thumbnail(radio, style, isTwice ? added(each, style) : "");
  }

  /** @param {File} painting */
  function addPainting(painting) {
    const name = painting.name.replace(/\.[^.]*$/, "") || "painting";
    const sample = URL.createObjectURL(painting);
    const style = { name, title: null, artist: "Your painting", year: null, place: 0, sample };
    styles.prepend(card({ name, weights: 0, styles: [style], painting }, style));
    styles.querySelector("input").click();
  }

  const input = element("painting");
  element("paint").addEventListener("click", () => input.click());
  input.addEventListener("change", () => {
    for (const file of input.files) addPainting(file);
    input.value = ""; // so that the same can be chosen again
  });

  // What is chosen at first is seen at first.
  for (const each of [program, ...programs.filter((one) => one !== program)]) {
    styles.append(...shownOf(each).map((style) => card(each, style)));
  }
  const [first] = shownOf(program);
  styles.querySelector("input").checked = true;
  select(program, first);

  return () => {
    if (program.weights === 0) return { program, mixture: {}, name: program.name };
    const parts = [...sliders].map(([name, slider]) => /** @type {const} */ ([name, Number(slider.value)]));
    const used = parts.filter(([, part]) => part > 0);
    if (!used.length) return undefined;
    return { program, mixture: Object.fromEntries(used), name: used.map(([name]) => name).join("-") };
  };
}

/** @param {HTMLInputElement} slider @param {number} value */
function set(slider, value) {
  slider.value = String(value);
  /** @type {HTMLElement} */ (slider.previousElementSibling).textContent = `${value} %`;
}

/**
 * @param {HTMLInputElement} radio
 * @param {Style} style
 * @param {string} more what tells it from another of its title
 */
function thumbnail(radio, style, more) {
  const { artist, year, sample } = style;
  const image = new Image();
  Object.assign(image, { src: sample, alt: "", width: 192, height: 192 });
  const text = document.createElement("span");
  const strong = document.createElement("strong");
  strong.textContent = titleOf(style);
  text.append(strong);
  const painter = [artist, year, more].filter(Boolean).join(", ");
  if (painter) text.append(" ", painter);
  const label = document.createElement("label");
  label.className = "style";
  label.append(radio, image, text);
  return label;
}
