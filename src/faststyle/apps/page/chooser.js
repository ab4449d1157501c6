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
 * @property {string} sample address of a picture
 */

/**
 * What a browser fetches to run a program; see faststyle.apps.static_page.
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
 * @property {Runnable} [quick] likewise, for a first look
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
 * @param {{styles: HTMLElement, mixing: HTMLDetailsElement, mixture: HTMLElement}} places
 * @param {() => void} changed called when something else is chosen
 * @returns {() => Choice | undefined} what is chosen; nothing if all of a mixture is 0
 */
export function makeChooser(programs, { styles, mixing, mixture }, changed) {
  /** @type {Map<string, HTMLInputElement>} */
  const sliders = new Map();
  let program = programs.find(({ quick }) => quick) ?? programs[0];
  const titles = programs.flatMap(({ styles: held }) => held.map(titleOf));

  /**
   * @param {Program} chosen
   * @param {Style} style
   */
  function select(chosen, style) {
    if (program !== chosen || !sliders.size) offerMixture(chosen);
    program = chosen;
    for (const [name, slider] of sliders) set(slider, name === style.name ? 100 : 0);
  }

  /** @param {Program} chosen */
  function offerMixture(chosen) {
    sliders.clear();
    mixture.replaceChildren();
    mixing.hidden = chosen.weights === 0;
    if (mixing.hidden) return;
    for (const style of chosen.styles) {
      const slider = document.createElement("input");
      Object.assign(slider, { type: "range", min: "0", max: "100", step: "5" });
      const value = document.createElement("output");
      const label = document.createElement("label");
      label.className = "line";
      label.append(titleOf(style), " ", value, slider);
      slider.addEventListener("input", () => {
        set(slider, Number(slider.value));
        for (const radio of styles.querySelectorAll("input")) radio.checked = false;
        changed();
      });
      mixture.append(label);
      sliders.set(style.name, slider);
    }
  }

  // What is chosen at first is seen at first.
  for (const each of [program, ...programs.filter((one) => one !== program)]) {
    for (const style of each.styles) {
      const radio = document.createElement("input");
      Object.assign(radio, { type: "radio", name: "style", value: `${each.name}:${style.name}` });
      radio.addEventListener("change", () => {
        select(each, style);
        changed();
      });
      const isTwice = titles.indexOf(titleOf(style)) !== titles.lastIndexOf(titleOf(style));
      styles.append(thumbnail(radio, style, isTwice ? added(each, style) : ""));
      if (each === program && style === each.styles[0]) {
        radio.checked = true;
        select(each, style);
      }
    }
  }

  return () => {
    if (program.weights === 0) return { program, mixture: {}, name: program.name };
    const parts = [...sliders].map(([name, slider]) => /** @type {const} */ ([name, Number(slider.value)]));
    const used = parts.filter(([, part]) => part > 0);
    if (!used.length) return undefined;
    return { program, mixture: Object.fromEntries(used), name: used.map(([name]) => name).join("-") };
  };
}

/**
 * @param {HTMLInputElement} slider
 * @param {number} value
 */
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
