"""Create and Translate in a real browser: by mouse, by keyboard, by finger, and what can be taken away."""

import io
import math
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from packages import needs
from pocketgan.base.language import LANGUAGES, speaking
from pocketgan.runs.run import Run
from pocketgan.web.create_words import CREATING, say
from web_pages import BROWSER, LONG, NO_BROWSER, launched, served_in_each_language

needs("gradio", "the extra 'web' isn't installed")
pytest.importorskip("playwright.sync_api", reason="Playwright isn't installed")

pytestmark = pytest.mark.skipif(BROWSER is None, reason=NO_BROWSER)


@pytest.fixture(scope="module")
def addresses(small_runs):
    with served_in_each_language(small_runs) as found:
        yield found


@pytest.fixture(scope="module")
def address(addresses):
    return addresses["en"]


@pytest.fixture(scope="module")
def browser():
    with launched() as found:
        yield found


@pytest.fixture
def page(browser):
    context = browser.new_context(viewport={"width": 1400, "height": 1000}, accept_downloads=True)
    context.set_default_timeout(LONG)
    found = context.new_page()
    wrong = []
    found.on("pageerror", lambda error: wrong.append(str(error)))
    found.on("console", lambda message: wrong.append(message.text) if message.type == "error" else None)
    yield found
    context.close()
    assert not wrong


def open_create(page, address, model="told"):
    """Opens the place with a model's pictures; the first of the models is the one that stands there at once."""
    page.goto(address)
    page.get_by_role("tab").nth(1).click()
    page.locator("#create-grid .tile").first.wait_for()
    before = grid(page)
    if choose(page, "#create-model", model):
        changed_from(page, before)


def choose(page, place, option):
    """Chooses an option of one of Gradio's drop-downs; returns whether another one stood there."""
    field = page.locator(f"{place} input")
    if field.input_value() == option:
        return False
    field.click()
    page.get_by_role("option", name=option, exact=True).click()
    return True


def set_seed(page, seed):
    page.locator("#create-seed input").fill(str(seed))


def grid(page):
    return page.eval_on_selector_all("#create-grid .tile img", "found => found.map(one => one.src)")


def until(page, comes_true, otherwise):
    """Waits until something comes true."""
    for _ in range(LONG // 50):
        if comes_true():
            return
        page.wait_for_timeout(50)
    raise AssertionError(otherwise)


def changed_from(page, before):
    """Waits until the grid is another one, and returns it."""
    until(page, lambda: grid(page) not in ([], before), "the pictures stayed as they were")
    page.wait_for_timeout(200)
    return grid(page)


def image(source):
    import base64

    return np.asarray(Image.open(io.BytesIO(base64.b64decode(source.partition("base64,")[2]))))


@pytest.mark.slow
def test_the_same_digit_and_seed_are_the_same_picture_twice(page, browser, address, small_runs):
    open_create(page, address)
    start = grid(page)
    choose(page, "#create-label", "8")
    eights = changed_from(page, start)
    set_seed(page, 41)
    first = changed_from(page, eights)
    set_seed(page, 5)
    other = changed_from(page, first)
    set_seed(page, 41)
    assert changed_from(page, other) == first
    again = browser.new_context().new_page()
    again.set_default_timeout(LONG)
    open_create(again, address)
    unseeded = grid(again)
    set_seed(again, 41)
    mixed = changed_from(again, unseeded)
    choose(again, "#create-label", "8")
    assert changed_from(again, mixed) == first, "also in another browser"
    again.context.close()
    wanted = Run.open(small_runs / "told").generate(64, seed=41, label="8").images
    assert all(np.array_equal(image(source), one[0]) for source, one in zip(first, wanted, strict=True))


def first_direction(page):
    """Unfolds the directions, and returns the first one's slider.

    An animation frame after it is there, Gradio sets it to its first value: earlier than a hand can move it, but not
    than a program.
    """
    page.locator("#create-directions button").first.click()
    slider = page.locator("#create-directions input[type=range]").first
    slider.wait_for()
    page.wait_for_timeout(500)
    return slider


@pytest.mark.slow
def test_the_grid_follows_the_sliders(page, address):
    open_create(page, address)
    before = grid(page)
    slider = page.locator("#create-truncation input[type=range]")
    slider.focus()
    slider.press("Home")
    average = changed_from(page, before)
    assert len(set(average[::2])) == 1, "without any truncation's variety, all threes are the same"
    direction = first_direction(page)
    direction.press("End")
    moved = changed_from(page, average)
    page.get_by_role("button", name="Reset all").click()
    assert changed_from(page, moved) == average
    count = page.locator("#create-count input[type=range]")
    count.focus()
    count.press("ArrowLeft")
    assert len(changed_from(page, average)) == 63
    typed = page.locator("#create-count input[type=number]")
    typed.fill("500")
    typed.press("Enter")
    page.locator("#create-message .trouble").wait_for()
    assert page.locator(".toast-body").count() == 0, "Gradio's own error, in English"


MOVE_AT_ONCE = """(part) => new Promise((done) => {
  new MutationObserver((_, observer) => {
    const slider = part.querySelector("input[type=range]");
    if (!slider) return;
    observer.disconnect();
    slider.value = 3;
    slider.dispatchEvent(new Event("input", { bubbles: true }));
    setTimeout(() => done(slider.value), 100);
  }).observe(part, { childList: true, subtree: true });
  part.querySelector("button").click();
})"""
"""Unfolds the directions, moves the first in the moment in which it is there; returns where it then stays."""


@pytest.mark.slow
def test_a_direction_stays_where_a_quick_hand_put_it(page, address):
    open_create(page, address)
    before = grid(page)
    assert page.locator("#create-directions").evaluate(MOVE_AT_ONCE) == "3"
    changed_from(page, before)


@pytest.mark.slow
def test_another_model_starts_with_its_directions_in_the_middle(page, address):
    open_create(page, address)
    before = grid(page)
    direction = first_direction(page)
    direction.press("End")
    moved = changed_from(page, before)
    choose(page, "#create-model", "noise")
    changed_from(page, moved)
    assert direction.input_value() == "0"


def hold_drawing(page):
    """Holds the questions that ask for pictures; returns the list that they come into, to be let go from there."""

    def hold(route):
        if len(route.request.post_data_json["data"]) > 10:
            held.append(route)
        else:
            route.continue_()

    held = []
    page.route("**/queue/join*", hold)
    return held


def are_drawn(page, wanted):
    sources = grid(page)
    return len(sources) == len(wanted) and all(
        np.array_equal(image(source), one[0]) for source, one in zip(sources, wanted, strict=True)
    )


@pytest.mark.slow
def test_while_one_setting_is_asked_about_the_latest_waits_and_is_drawn_last(page, address, small_runs):
    open_create(page, address)
    held = hold_drawing(page)
    choose(page, "#create-label", "8")
    until(page, lambda: held, "no eights were asked for")
    set_seed(page, 7)
    set_seed(page, 41)
    page.wait_for_timeout(500)
    asked = [route.request.post_data_json["data"][2:5] for route in held]
    assert asked == [["8", 64, 0]], "one question about one choice, and none before it is answered"
    held.pop().continue_()
    until(page, lambda: held, "the seed wasn't asked for")
    assert held[-1].request.post_data_json["data"][2:5] == ["8", 64, 41]
    wanted = Run.open(small_runs / "told").generate(64, seed=41, label="8").images

    def is_drawn():
        if held:
            held.pop(0).continue_()
            return False
        return are_drawn(page, wanted)

    until(page, is_drawn, "the last setting wasn't drawn")


SEED_AND_COUNT = """([seed, count]) => {
  const say = (field, value) => {
    field.value = value;
    field.dispatchEvent(new Event("input", { bubbles: true }));
  };
  say(document.querySelector("#create-seed input"), seed);
  say(document.querySelector("#create-count input[type=range]"), count);
}"""
"""Sets both in one moment, so that Gradio asks about the seed with the count before, and then about both."""


@pytest.mark.slow
def test_two_settings_of_one_moment_are_drawn_in_their_order(page, address):
    """The first question is about 64 pictures and takes longer than the second, about one; either may come first."""
    open_create(page, address)
    for seed in range(1, 6):
        page.evaluate(SEED_AND_COUNT, [2 * seed, 64])
        until(page, lambda: len(grid(page)) == 64, "many weren't drawn")
        page.wait_for_timeout(300)
        page.evaluate(SEED_AND_COUNT, [2 * seed + 1, 1])
        until(page, lambda: len(grid(page)) == 1, "one wasn't drawn")
        page.wait_for_timeout(500)
        assert len(grid(page)) == 1, "an earlier answer stands over the last one"


def looked_at(page, number):
    page.locator("#create-details h3", has_text=f"Picture {number} of seed").wait_for()


@pytest.mark.slow
def test_a_picture_is_chosen_by_mouse_and_by_keyboard(page, address):
    open_create(page, address)
    page.locator("#create-grid .tile").nth(5).click()
    looked_at(page, 6)
    details = page.locator("#create-details")
    assert "Nearest training images" in details.inner_text() and details.locator(".nearest img").count() == 5
    assert "Discriminator" in details.inner_text() and "Classifier" in details.inner_text()
    page.locator("#create-grid .tile").nth(5).focus()
    for key in ("ArrowRight", "ArrowDown", "ArrowLeft"):
        page.keyboard.press(key)
    columns = int(page.locator("#create-grid .tiles").get_attribute("data-columns"))
    page.keyboard.press("Enter")
    looked_at(page, 6 + columns)
    marks = page.eval_on_selector_all(
        "#create-grid [data-chosen]", "found => found.map(one => [one.dataset.index, one.dataset.chosen])"
    )
    assert marks == [["5", "1"], [str(5 + columns), "2"]]
    assert f"From picture 6 of seed 0 to picture {6 + columns} of seed 0." in page.inner_text("#create-chosen")


@pytest.mark.slow
def test_two_quick_clicks_both_count(page, address):
    open_create(page, address)
    page.locator("#create-grid .tile").nth(2).click()
    page.locator("#create-grid .tile").nth(9).click()
    looked_at(page, 10)
    page.locator("#create-chosen", has_text="From picture 3 of seed 0 to picture 10 of seed 0.").wait_for()


THROUGH = """(() => {
  const ask = window.fetch.bind(window), wait = (time) => new Promise((go) => setTimeout(go, time));
  const transform = async (part, out) => { TRANSFORM };
  window.fetch = async (input, options) => {
    const answer = await ask(input, options);
    const url = input instanceof Request ? input.url : String(input);
    if (!url.includes("/queue/data")) return answer;
    return new Response(answer.body.pipeThrough(new TransformStream({ transform })), answer);
  };
})();"""


def through(transform):
    """Returns a script that sends what the server streams through a function of a part and where to put it."""
    return THROUGH.replace("TRANSFORM", transform)


LATE_STREAMS = through("await wait(300); out.enqueue(part);")
"""Lets the browser read what the server streams only later, also that a stream has ended."""
CUT_STREAMS = through("""
    const text = new TextDecoder().decode(part), place = text.indexOf(`"msg":"${window.cutBefore}"`);
    if (place < 0) { out.enqueue(part); return; }
    window.cutBefore = "";
    out.enqueue(new TextEncoder().encode(text.slice(0, text.slice(0, place).lastIndexOf("data: "))));
    await wait(100);
    out.error(new TypeError("cut"));
""")
"""Breaks off the stream that brings a message called `cutBefore`, before that message."""


@pytest.mark.slow
def test_a_click_counts_while_the_end_of_a_stream_is_on_its_way(page, address):
    page.add_init_script(LATE_STREAMS)
    open_create(page, address)
    page.wait_for_timeout(1000)
    for number, wait in enumerate((200, 400), start=1):
        set_seed(page, number)
        page.wait_for_timeout(wait)
        page.locator("#create-grid .tile").nth(number).click()
        looked_at(page, number + 1)
        page.wait_for_timeout(1000)


def cut_before(page, message):
    page.evaluate("(message) => { window.cutBefore = message; }", message)


def is_cut(page):
    page.wait_for_function("window.cutBefore === ''")
    page.wait_for_timeout(300)


@pytest.mark.slow
def test_a_stream_that_breaks_off_after_its_answers_is_not_missed(page, address):
    page.add_init_script(CUT_STREAMS)
    open_create(page, address)
    page.wait_for_timeout(500)
    cut_before(page, "close_stream")
    page.locator("#create-grid .tile").nth(4).click()
    looked_at(page, 5)
    is_cut(page)
    page.locator("#create-grid .tile").nth(6).click()
    looked_at(page, 7)


@pytest.mark.slow
def test_a_stream_that_breaks_off_before_an_answer_is_said(browser, address):
    context = browser.new_context()
    context.set_default_timeout(LONG)
    page = context.new_page()
    page.add_init_script(CUT_STREAMS)
    open_create(page, address)
    page.wait_for_timeout(500)
    cut_before(page, "process_completed")
    page.locator("#create-grid .tile").nth(4).click()
    is_cut(page)
    page.get_by_text("Connection").first.wait_for()
    context.close()


@pytest.mark.slow
def test_clicks_count_while_the_pictures_of_the_next_model_are_on_their_way(page, address):
    open_create(page, address, "noise")
    before = grid(page)
    held = hold_drawing(page)
    choose(page, "#create-model", "told")
    until(page, lambda: held, "the next model wasn't opened")
    for place in (2, 9):
        page.locator("#create-grid .tile").nth(place).click()
        looked_at(page, place + 1)
    page.locator("#create-chosen", has_text="From picture 3 of seed 0 to picture 10 of seed 0.").wait_for()
    for route in held:
        route.continue_()
    changed_from(page, before)


@pytest.mark.slow
def test_the_keyboard_reaches_the_grid_with_one_stop(page, address):
    open_create(page, address)
    page.locator("#create-grid .tile").first.focus()
    page.keyboard.press("Tab")
    assert "Download PNG" in page.evaluate("document.activeElement.innerText")
    page.keyboard.press("Shift+Tab")
    assert page.evaluate("document.activeElement.dataset.index") == "0"
    page.keyboard.press("End")
    assert page.evaluate("document.activeElement.dataset.index") == "63"


@pytest.mark.slow
def test_walks_numbers_and_files(page, address):
    open_create(page, address)
    for place in (2, 9):
        page.locator("#create-grid .tile").nth(place).click()
        looked_at(page, place + 1)
    page.get_by_role("button", name="Show the interpolation").click()
    page.locator('#create-walk img[src^="data:image/gif"]').wait_for()
    page.locator("#create-text input, #create-text textarea").first.fill("383")
    page.get_by_role("button", name="Write", exact=True).click()
    page.locator("#create-written img").nth(2).wait_for()
    page.get_by_role("button", name="Show the directions").click()
    page.locator("#create-along img").wait_for()
    taken = {}
    for name, place in (("Download npz", 0), ("Latent as npz", 0), ("Download GIF", 0), ("Download PNG", 0),
                        ("Download PNG", 1)):  # fmt: skip
        with page.expect_download() as download:
            page.get_by_role("button", name=name).nth(place).click()
        taken[download.value.suggested_filename] = Path(download.value.path()).read_bytes()
    assert set(taken) == {
        "told-seed-0.npz", "told-seed-0-picture-10.npz", "told-walk-3-10.gif", "told-seed-0.png", "told-383.png",
    }  # fmt: skip
    with np.load(io.BytesIO(taken["told-seed-0.npz"]), allow_pickle=False) as archive:
        drawn = archive["images"]
    assert all(np.array_equal(image(source), one[0]) for source, one in zip(grid(page), drawn, strict=True))
    assert Image.open(io.BytesIO(taken["told-walk-3-10.gif"])).n_frames == 54


@pytest.mark.slow
def test_what_cannot_be_done_is_said_where_it_was_asked(page, address):
    open_create(page, address)
    for name in ("Show the interpolation", "Download GIF", "Latent as npz", "Show the directions"):
        assert not page.get_by_role("button", name=name).is_visible(), "what could only fail isn't offered"
    page.locator("#create-text input, #create-text textarea").first.fill("9")
    page.get_by_role("button", name="Write", exact=True).click()
    page.locator("#create-written [role=alert]", has_text="‘9’ can't be written").wait_for()
    set_seed(page, -4)
    page.locator("#create-message [role=alert]", has_text="whole number from 0 to").wait_for()


# Translate.


def open_redraw(page, address):
    page.goto(address)
    page.get_by_role("tab").nth(2).click()
    page.locator("#redraw-pad canvas").wait_for()
    page.wait_for_function("document.querySelector('#redraw-model input').value === 'redraw'")
    page.wait_for_timeout(500)


def given(page):
    return image(page.locator("#redraw-result img").first.get_attribute("src")).astype(float)


def eight(page):
    """Returns the points of an eight on the drawing area."""
    box = page.locator("#redraw-pad canvas").bounding_box()
    scale, x, y = box["width"] / 280, box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    angles = [2 * math.pi * step / 48 for step in range(49)]
    return [(x + 50 * scale * math.sin(2 * angle), y - 90 * scale * math.cos(angle)) for angle in angles]


def is_an_eight(page):
    """Whether the classifier takes what was handed to the generator for an eight."""
    import torch

    from pocketgan.metrics.features import digits

    pixels = torch.from_numpy(given(page).astype(np.uint8))[None, None]
    _, logits = digits().embed(pixels)
    return logits.argmax().item() == 8


@pytest.mark.slow
def test_an_eight_is_drawn_and_redrawn(page, address):
    open_redraw(page, address)
    points = eight(page)
    page.mouse.move(*points[0])
    page.mouse.down()
    for point in points[1:]:
        page.mouse.move(*point)
    page.mouse.up()
    page.locator("#redraw-result img").nth(1).wait_for()
    until(page, lambda: is_an_eight(page), "what was handed over is no eight")
    assert image(page.locator("#redraw-result img").nth(1).get_attribute("src")).shape == (28, 28)
    page.get_by_role("button", name="Clear").click()
    page.locator("#redraw-result", has_text="Draw a digit").wait_for()


@pytest.mark.slow
def test_a_finger_draws_on_a_narrow_screen(browser, address):
    context = browser.new_context(viewport={"width": 400, "height": 800}, has_touch=True, is_mobile=True)
    context.set_default_timeout(LONG)
    page = context.new_page()
    open_redraw(page, address)
    page.locator("#redraw-pad canvas").scroll_into_view_if_needed()
    assert page.evaluate("document.documentElement.scrollWidth") <= 400
    touch = context.new_cdp_session(page)
    points = [{"x": x, "y": y} for x, y in eight(page)]
    touch.send("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": points[:1]})
    for point in points[1:]:
        touch.send("Input.dispatchTouchEvent", {"type": "touchMove", "touchPoints": [point]})
    touch.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    page.locator("#redraw-result img").nth(1).wait_for()
    until(page, lambda: is_an_eight(page), "what was handed over is no eight")
    context.close()


@pytest.mark.slow
def test_keys_draw(page, address):
    open_redraw(page, address)
    page.locator("#redraw-pad canvas").focus()
    page.keyboard.press("Space")
    assert page.inner_text("#redraw-pad [data-pen]") == "pen down"
    for _ in range(16):
        page.keyboard.press("ArrowDown")
    page.keyboard.press("Space")
    page.locator("#redraw-result img").nth(1).wait_for()

    def is_a_stroke_downwards():
        drawn = given(page)
        return drawn.any(axis=1).sum() == 20 and drawn.any(axis=0).sum() <= 6

    until(page, is_a_stroke_downwards, "no stroke downwards was handed over")
    page.keyboard.press("Delete")
    page.locator("#redraw-result", has_text="Draw a digit").wait_for()


@pytest.mark.slow
def test_a_test_image_is_taken_by_keyboard(page, address, small_runs):
    import pocketgan

    open_redraw(page, address)
    page.locator("#redraw-index input").fill("3")
    page.keyboard.press("Enter")
    page.locator("#redraw-result img").nth(1).wait_for()
    translation = pocketgan.translate(small_runs / "redraw", count=3)
    assert np.array_equal(given(page), translation.inputs.images[2, 0])
    made = image(page.locator("#redraw-result img").nth(1).get_attribute("src")).astype(int)
    assert np.abs(made - translation.outputs.images[2, 0]).max() <= 1


@pytest.mark.slow
def test_files_are_opened_and_hostile_ones_refused(page, address, tmp_path):
    from pocketgan.images.readers import read_mnist

    open_redraw(page, address)
    digit = read_mnist("test").images[0, 0]
    Image.fromarray(255 - digit).resize((280, 280), Image.Resampling.NEAREST).save(tmp_path / "seven.png")
    page.set_input_files("#redraw-pad input[type=file]", tmp_path / "seven.png")
    page.locator("#redraw-result img").nth(1).wait_for()
    assert np.corrcoef(given(page).ravel(), digit.ravel().astype(float))[0, 1] > 0.9
    (tmp_path / "bad.png").write_bytes((tmp_path / "seven.png").read_bytes()[:100])
    page.set_input_files("#redraw-pad input[type=file]", tmp_path / "bad.png")
    page.locator("#redraw-result [role=alert]", has_text="or it is damaged").wait_for()


@pytest.mark.slow
def test_a_file_is_dropped(page, address, tmp_path):
    import base64

    from pocketgan.images.readers import read_mnist

    open_redraw(page, address)
    buffer = io.BytesIO()
    Image.fromarray(read_mnist("test").images[0, 0]).save(buffer, "PNG")
    content = base64.b64encode(buffer.getvalue()).decode()
    script = """(content) => {
      const bytes = Uint8Array.from(atob(content), (letter) => letter.charCodeAt(0));
      const data = new DataTransfer();
      data.items.add(new File([bytes], "seven.png", { type: "image/png" }));
      return data;
    }"""
    data = page.evaluate_handle(script, content)
    page.dispatch_event("#redraw-pad canvas", "drop", {"dataTransfer": data})
    page.locator("#redraw-result img").nth(1).wait_for()
    assert np.array_equal(given(page), read_mnist("test").images[0, 0])


@pytest.mark.slow
@pytest.mark.parametrize("code", [code for code in LANGUAGES if code != "en"])
def test_each_language_once(browser, addresses, code):
    context = browser.new_context(viewport={"width": 1400, "height": 1000}, locale="en-US")
    context.set_default_timeout(LONG)
    page = context.new_page()
    page.goto(addresses[code])
    page.get_by_role("tab").nth(1).click()
    page.locator("#create-grid .tile").nth(5).click()
    page.locator("#create-details .nearest img").first.wait_for()
    text = page.locator('[role="tabpanel"]:visible').inner_text()
    context.close()
    with speaking(code):
        for key in ("model", "truncation", "nearest", "classifier", "walk", "download npz"):
            assert say(key) in text, key
        own = {say(key) for key, english in CREATING.items() if isinstance(english, str) and "{" not in english}
    english = {text for text in CREATING.values() if isinstance(text, str) and "{" not in text and len(text) > 3}
    assert not [line for line in text.splitlines() if line.strip() in english - own]
